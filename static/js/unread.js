// The number of unread conversations: in the navigation, in the window's title and on its icon.

const link = document.querySelector('link[rel="icon"]');
const original = link?.href;
const title = document.title;
let painted = "";

function paintBadge(context, size, text) {
  const radius = size * 0.34;
  const x = size - radius;
  context.beginPath();
  context.arc(x, radius, radius, 0, Math.PI * 2);
  context.fillStyle = "#d63939";
  context.fill();
  context.fillStyle = "#fff";
  context.font = `bold ${Math.round(size * (text.length > 1 ? 0.4 : 0.5))}px sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, x, radius * 1.06);
}

function paintIcon(count) {
  const text = count > 9 ? "9+" : String(count || "");
  if (!link || text === painted) return;
  painted = text;
  if (!text) {
    link.href = original;
    return;
  }
  const image = new Image();
  image.addEventListener("load", () => {
    if (painted !== text) return;
    const size = 64;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, size, size);
    paintBadge(context, size, text);
    link.type = "image/png";
    link.href = canvas.toDataURL("image/png");
  });
  image.src = original;
}

/** Show `count` unread conversations everywhere. */
export function showUnread(count) {
  for (const badge of document.querySelectorAll("[data-unread-badge]")) {
    badge.hidden = count === 0;
    badge.dataset.count = count;
    badge.querySelector("[data-unread-number]").textContent = count > 99 ? "99+" : count;
  }
  document.title = count ? `(${count > 99 ? "99+" : count}) ${title}` : title;
  paintIcon(count);
}

function onFrame(event) {
  if (Number.isInteger(event.detail?.unread_total)) showUnread(event.detail.unread_total);
}

for (const type of ["message", "conversation", "status", "refresh", "unread"]) document.addEventListener(`live:${type}`, onFrame);
const first = document.querySelector("[data-unread-badge]");
if (first) showUnread(Number(first.dataset.count) || 0);
