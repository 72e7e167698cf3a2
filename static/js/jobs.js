// Jobs: the bar follows the live frames; the whole card is fetched anew when the state changes or a frame may be lost.
//
// data-job="id" with data-job-state; data-job-every="5": fetched after so many seconds while the page is looked at.

const SETTLE_MS = 150;
const number = new Intl.NumberFormat();
const fetchedAt = new WeakMap();
const waiting = new WeakSet();

function cardOf(id) {
  return document.querySelector(`[data-job="${CSS.escape(id)}"]`);
}

function refreshSoon(card) {
  if (waiting.has(card)) return;
  waiting.add(card);
  setTimeout(() => {
    waiting.delete(card);
    if (card.isConnected) refresh(card);
  }, SETTLE_MS);
}

function refresh(card) {
  fetchedAt.set(card, Date.now());
  window.htmx?.trigger(card, "refresh");
}

function show(card, { done, total }) {
  const bar = card.querySelector("progress");
  const figures = card.querySelector("[data-job-figures]");
  if (!bar || !figures) return refreshSoon(card);
  if (total) {
    bar.max = total;
    bar.value = done;
  }
  figures.textContent = total ? `${number.format(done)} of ${number.format(total)}` : number.format(done);
}

document.addEventListener("live:job", (event) => {
  const card = cardOf(event.detail.job);
  if (!card) return;
  const moved = event.detail.done !== undefined && event.detail.state === card.dataset.jobState;
  if (!moved) return refreshSoon(card);
  fetchedAt.set(card, Date.now());
  show(card, event.detail);
});

// What changed before the socket was open has told nobody: look once, the first time too.
for (const name of ["live:connected", "live:reconnected"]) {
  document.addEventListener(name, () => {
    for (const card of document.querySelectorAll("[data-job-every]")) refreshSoon(card);
  });
}

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const card of document.querySelectorAll("[data-job-every]")) {
    if (!fetchedAt.has(card)) fetchedAt.set(card, Date.now());
    if (Date.now() - fetchedAt.get(card) >= Number(card.dataset.jobEvery) * 1000) refresh(card);
  }
}, 1000);
