// Numbers and the sandbox phone: parts that follow the server, the QR code's countdown, the phone's composer.
//
// data-refresh-on="connection message webhook" fetches the element anew (htmx, trigger "refresh") on those live frames, and
// data-refresh-every="5" after so many seconds while the page is looked at, should a frame have got lost.

const SETTLE_MS = 150;
const NEAR_THE_END_PX = 80;

const fetchedAt = new WeakMap();
const waiting = new WeakMap();

function refresh(element) {
  fetchedAt.set(element, Date.now());
  window.htmx?.trigger(element, "refresh");
}

/** Fetch `element` soon; frames that come together cost one request. */
function refreshSoon(element) {
  if (waiting.has(element)) return;
  const timer = setTimeout(() => {
    waiting.delete(element);
    if (element.isConnected) refresh(element);
  }, SETTLE_MS);
  waiting.set(element, timer);
}

function onFrame(type, frame) {
  for (const element of document.querySelectorAll("[data-refresh-on]")) {
    const { refreshOn } = element.dataset;
    if (!refreshOn.split(" ").includes(type)) continue;
    const about = element.dataset[type]; // data-connection or data-webhook: of this one only
    if (about && about !== frame[type]) continue;
    refreshSoon(element);
  }
}

for (const type of ["connection", "message", "status", "webhook"]) {
  document.addEventListener(`live:${type}`, (event) => onFrame(type, event.detail));
}
// What changed before the socket was open has told nobody: look once, the first time too.
for (const name of ["live:connected", "live:reconnected"]) {
  document.addEventListener(name, () => {
    for (const element of document.querySelectorAll("[data-refresh-on]")) refreshSoon(element);
  });
}

function refreshDue() {
  if (document.visibilityState !== "visible") return;
  for (const element of document.querySelectorAll("[data-refresh-every]")) {
    if (!fetchedAt.has(element)) fetchedAt.set(element, Date.now());
    const age = Date.now() - fetchedAt.get(element);
    if (age >= Number(element.dataset.refreshEvery) * 1000) refresh(element);
  }
}

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

setInterval(() => {
  refreshDue();
  countDown();
}, 1000);
countDown();
scrollToTheEnd();
