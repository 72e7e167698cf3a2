// data-confirm="What will happen." on a form, button or htmx element: asked in a dialog before it is done.
// data-confirm-title and data-confirm-action name the dialog and its button; data-confirm-tone="primary" says that
// nothing is lost by it.

const dialog = document.getElementById("confirm-dialog");

/** Ask in a dialog; resolves to whether the person agreed. */
export function ask(text, { title = "Are you sure?", action = "Yes, go on", tone = "danger" } = {}) {
  if (!dialog) return Promise.resolve(false);
  dialog.querySelector("#confirm-title").textContent = title;
  dialog.querySelector("#confirm-text").textContent = text;
  const button = dialog.querySelector("[data-confirm-button]");
  button.textContent = action;
  button.classList.toggle("btn-danger", tone === "danger");
  button.classList.toggle("btn-primary", tone !== "danger");
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
  });
}

function askFor(element) {
  const { confirm, confirmTitle, confirmAction, confirmTone } = element.dataset;
  return ask(confirm, { title: confirmTitle, action: confirmAction, tone: confirmTone });
}

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const submitter = event.submitter;
    const source = submitter?.closest("[data-confirm]") ?? form.closest("[data-confirm]");
    if (!source || usesHtmx(form) || usesHtmx(submitter)) return;
    if (form.dataset.confirmed) {
      delete form.dataset.confirmed;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await askFor(source))) return;
    form.dataset.confirmed = "yes";
    if (!form.isConnected) {
      form.hidden = true; // what it stood in was fetched anew while the dialog was open
      document.body.append(form);
    }
    form.requestSubmit(submitter ?? undefined);
  },
  true,
);

function usesHtmx(element) {
  return Boolean(element?.matches("[hx-get], [hx-post], [hx-put], [hx-patch], [hx-delete]"));
}

document.addEventListener("htmx:confirm", async (event) => {
  const source = event.target.closest("[data-confirm]");
  if (!source) return;
  event.preventDefault();
  if (await askFor(source)) event.detail.issueRequest(true);
});
