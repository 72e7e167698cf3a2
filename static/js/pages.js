// What every page can do: progress of htmx requests, their failures told, copy buttons, dialogs, forms sent once.

import { toast } from "./toasts.js";

const progress = document.getElementById("progress");
let running = 0;

function count(change) {
  running = Math.max(0, running + change);
  progress?.classList.toggle("is-running", running > 0);
}

function isQuiet(event) {
  return Boolean(event.detail.elt?.closest("[data-quiet]")); // polling and the like
}

document.addEventListener("htmx:beforeRequest", (event) => isQuiet(event) || count(1));
document.addEventListener("htmx:afterRequest", (event) => isQuiet(event) || count(-1));

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if ((xhr.getResponseHeader("HX-Trigger") ?? "").includes("toast")) return;
  if (xhr.status >= 500) toast("Something went wrong on our side. Nothing was changed; try again in a moment.", "danger");
  else if (xhr.status === 403) toast("This page is out of date. Reload it and try again.", "danger");
  else if (xhr.status === 413) toast("That is too large to be sent.", "danger");
  else toast("This did not work. Reload the page and try again.", "danger");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => {
    if (!isQuiet(event)) toast("No connection. Nothing was sent; try again when you are online.", "danger");
  });
}

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) return copyText(copy);
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) document.getElementById(opener.dataset.openDialog)?.showModal();
});

// data-copy="text", or data-copy-from="#id" with an empty data-copy: what to put on the clipboard.
async function copyText(button) {
  const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
  const text = button.dataset.copy || source?.value || source?.textContent.trim() || "";
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.", "success");
  } catch {
    source?.select?.();
    toast("Your browser does not let us copy. Select the text and copy it yourself.", "warning");
  }
}

// A click on the backdrop closes a dialog.
document.addEventListener("pointerdown", (event) => {
  if (event.target.nodeName === "DIALOG" && event.target.open && event.offsetX !== undefined) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

// A plain form is sent once, however often its button is pressed; a page that comes back from the cache may send again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || form.target) return;
  if (event.submitter?.hasAttribute("data-download")) return; // the answer is a file, and the page stays
  if (form.dataset.sending) return event.preventDefault();
  form.dataset.sending = "yes";
  event.submitter?.classList.add("is-sending");
  count(1);
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  running = 0;
  count(0);
  for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
  for (const button of document.querySelectorAll(".is-sending")) button.classList.remove("is-sending");
});

// Going back is only offered where there is somewhere to go.
for (const button of document.querySelectorAll("[data-back]")) {
  button.hidden = history.length < 2;
  button.addEventListener("click", () => history.back());
}
