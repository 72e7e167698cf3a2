// Numbers and the sandbox phone: the QR code's countdown, the phone's composer. Parts follow the server by refresh.js.

import "./refresh.js";

const NEAR_THE_END_PX = 80;

// -- the QR code's countdown ------------------------------------------------------------------------------------------

function countDown() {
  for (const figure of document.querySelectorAll("[data-expires-in]")) {
    const words = figure.querySelector("[data-countdown]");
    const bar = figure.querySelector("progress");
    const left = secondsLeft(figure);
    figure.classList.toggle("is-expired", left <= 0);
    const text = left > 0 ? `A new code in ${left} s` : "Waiting for the next code…";
    if (words && words.textContent !== text) words.textContent = text;
    if (bar) bar.value = Math.max(0, left);
  }
}

const endsAt = new WeakMap();

/** Counted from when the code came, so that a wrong clock in the browser does no harm. */
function secondsLeft(figure) {
  if (!endsAt.has(figure)) endsAt.set(figure, performance.now() + Number(figure.dataset.expiresIn) * 1000);
  return Math.ceil((endsAt.get(figure) - performance.now()) / 1000);
}

// -- the phone's chat --------------------------------------------------------------------------------------------------

let wasAtTheEnd = true;

function scrollToTheEnd() {
  const messages = document.getElementById("phone-messages");
  if (messages) messages.scrollTop = messages.scrollHeight;
}

document.addEventListener("htmx:beforeSwap", () => {
  const messages = document.getElementById("phone-messages");
  if (!messages) return;
  wasAtTheEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < NEAR_THE_END_PX;
});
document.addEventListener("htmx:afterSwap", (event) => {
  const replaced = event.detail.target;
  if (replaced?.id === "phone" || (replaced?.id === "phone-messages" && wasAtTheEnd)) scrollToTheEnd();
  countDown();
});

function quote(form, id, text) {
  const bar = form.querySelector("[data-quote-bar]");
  form.elements.quoted_wa_id.value = id;
  bar.querySelector("[data-quote-text]").textContent = text;
  bar.hidden = !id;
  form.elements.text.focus();
}

document.addEventListener("click", (event) => {
  const form = document.getElementById("phone-composer");
  if (!form) return;
  const button = event.target.closest("[data-quote]");
  if (button) quote(form, button.dataset.quote, button.dataset.quoteLabel);
  else if (event.target.closest("[data-quote-clear]")) quote(form, "", "");
});

document.addEventListener("change", (event) => {
  if (event.target.type !== "file" || event.target.form?.id !== "phone-composer") return;
  const words = event.target.form.querySelector("[data-file-name]");
  const name = event.target.files[0]?.name ?? "";
  words.textContent = name ? `With ${name}` : "";
  words.hidden = !name;
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "phone-text" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

setInterval(countDown, 1000);
countDown();
scrollToTheEnd();
