// data-refresh-on="connection message" fetches the element anew (htmx, trigger "refresh") on those live frames, and
// data-refresh-every="5" after so many seconds while the page is looked at, should a frame have got lost.
// data-connection, data-webhook or data-campaign="id": only frames about that one count.

// Nothing is fetched anew under the hands of somebody who types into it or is asked in a dialog: it waits until then.

const SETTLE_MS = 150;
const AGAIN_MS = 500;
const TYPES = ["connection", "message", "status", "webhook", "campaign"];

const fetchedAt = new WeakMap();
const waiting = new WeakMap();

function refresh(element) {
  fetchedAt.set(element, Date.now());
  window.htmx?.trigger(element, "refresh");
}

function isInHands(element) {
  const typing = document.activeElement?.matches("input, textarea, select") && element.contains(document.activeElement);
  return typing || document.querySelector("dialog[open]") !== null;
}

/** Fetch `element` soon; frames that come together cost one request. */
function refreshSoon(element, delay = SETTLE_MS) {
  if (waiting.has(element)) return;
  const timer = setTimeout(() => {
    waiting.delete(element);
    if (!element.isConnected) return;
    if (isInHands(element)) refreshSoon(element, AGAIN_MS);
    else refresh(element);
  }, delay);
  waiting.set(element, timer);
}

function onFrame(type, frame) {
  for (const element of document.querySelectorAll("[data-refresh-on]")) {
    if (!element.dataset.refreshOn.split(" ").includes(type)) continue;
    const about = element.dataset[type];
    if (about && about !== frame[type]) continue;
    refreshSoon(element);
  }
}

for (const type of TYPES) document.addEventListener(`live:${type}`, (event) => onFrame(type, event.detail));
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
    if (age >= Number(element.dataset.refreshEvery) * 1000 && !isInHands(element)) refresh(element);
  }
}

setInterval(refreshDue, 1000);
