// Short notices: from the server's messages, from HX-Trigger {"toast": {level, message}}, from live frames, from modules.

const SHOWN_MS = 6000;
const region = document.getElementById("toasts");
const icons = document.getElementById("toast-icons");

function picture(level) {
  const found = icons?.content.querySelector(`[data-level="${level}"]`) || icons?.content.querySelector("[data-level=info]");
  return found ? found.firstElementChild.cloneNode(true) : document.createElement("span");
}

function dismissAfter(element, milliseconds) {
  let timer = setTimeout(() => element.remove(), milliseconds);
  const hold = () => clearTimeout(timer);
  const release = () => {
    clearTimeout(timer);
    timer = setTimeout(() => element.remove(), milliseconds / 2);
  };
  element.addEventListener("pointerenter", hold);
  element.addEventListener("focusin", hold);
  element.addEventListener("pointerleave", release);
  element.addEventListener("focusout", release);
}

function dress(element, level) {
  const text = document.createElement("span");
  text.className = "wf-toast-text";
  text.dir = "auto";
  text.append(...element.childNodes);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "wf-toast-close";
  close.setAttribute("aria-label", "Close this notice");
  close.append(picture("close"));
  close.addEventListener("click", () => element.remove());
  element.replaceChildren(picture(level), text, close);
  if (level !== "danger") dismissAfter(element, SHOWN_MS);
}

/** Show `message` (text, never HTML). level: success, info, warning or danger; a danger stays until it is closed. */
export function toast(message, level = "success") {
  if (!region || !message) return;
  const element = document.createElement("div");
  element.className = "wf-toast";
  element.dataset.level = level;
  element.textContent = message;
  dress(element, level);
  region.append(element);
  while (region.children.length > 4) region.firstElementChild.remove();
}

for (const element of region?.querySelectorAll("[data-toast]") ?? []) {
  const level = element.dataset.level === "error" ? "danger" : element.dataset.level;
  element.dataset.level = level;
  dress(element, level);
}
document.addEventListener("toast", (event) => toast(event.detail.message, event.detail.level));
document.addEventListener("live:toast", (event) => toast(event.detail.message, event.detail.level));
