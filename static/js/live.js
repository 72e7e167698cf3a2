// The one socket of a page. Each frame becomes the event "live:<type>" on the document, with the frame as its detail.
//
// After a connection that was lost, "live:reconnected" tells the page to fetch what it shows, for frames in between are gone.
// Close codes of the server: 4401 the session ended, 4403 no longer a member here, 4429 too many pages are open.

const SESSION_ENDED = 4401;
const NOT_ALLOWED = 4403;
const TOO_MANY = 4429;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const BANNER_AFTER_MS = 3000;

const path = document.body.dataset.live;
const banner = document.getElementById("connection-banner");
let socket = null;
let attempts = 0;
let wasOpen = false;
let ended = false;
let retryTimer = 0;
let bannerTimer = 0;

/** Whether frames arrive right now. */
export function connected() {
  return socket?.readyState === WebSocket.OPEN;
}

/** Send one JSON value to the server; false when there is no connection. */
export function send(value) {
  if (!connected()) return false;
  socket.send(JSON.stringify(value));
  return true;
}

function emit(name, detail) {
  document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));
}

function showBanner(text, withLogin = false) {
  if (!banner) return;
  banner.querySelector("[data-banner-text]").textContent = text;
  banner.querySelector("[data-banner-link]").hidden = !withLogin;
  banner.hidden = false;
}

function hideBanner() {
  clearTimeout(bannerTimer);
  bannerTimer = 0;
  if (banner) banner.hidden = true;
}

function onMessage(event) {
  for (const frame of JSON.parse(event.data).frames ?? []) emit(frame.type, frame);
}

function onOpen() {
  attempts = 0;
  hideBanner();
  emit(wasOpen ? "reconnected" : "connected");
  wasOpen = true;
}

function endSession() {
  ended = true;
  clearTimeout(bannerTimer);
  const link = banner?.querySelector("[data-banner-link]");
  if (link) link.href = `${document.body.dataset.loginUrl}?next=${encodeURIComponent(location.pathname + location.search)}`;
  showBanner("You have been signed out.", true);
}

function onClose(event) {
  socket = null;
  emit("disconnected");
  if (event.code === SESSION_ENDED) return endSession();
  if (event.code === NOT_ALLOWED && wasOpen) return location.reload();
  if (event.code === NOT_ALLOWED) ended = true;
  else if (event.code === TOO_MANY) standBack();
  else retryLater();
}

/* Others are closed by and by: asked again seldom, and when somebody comes back to this page. */
function standBack() {
  clearTimeout(bannerTimer);
  bannerTimer = 0;
  showBanner("Too many pages of WhatsFlow are open, so this one does not follow what happens. Close some of them.");
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, LONGEST_WAIT_MS);
}

function retryLater() {
  if (!bannerTimer && banner?.hidden) {
    const text = "No connection. What you see may be out of date; trying again…";
    bannerTimer = setTimeout(() => showBanner(text), BANNER_AFTER_MS);
  }
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts);
  attempts += 1;
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, longest * (0.5 + Math.random() / 2));
}

function connect() {
  clearTimeout(retryTimer);
  if (ended || socket) return;
  const url = new URL(path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.addEventListener("open", onOpen);
  socket.addEventListener("message", onMessage);
  socket.addEventListener("close", onClose);
}

function connectNow() {
  if (socket || ended) return;
  attempts = 0;
  connect();
}

if (path) {
  // Not earlier: the page's own modules must listen before the first frame comes.
  if (document.readyState === "complete") connect();
  else document.addEventListener("DOMContentLoaded", connect, { once: true });
  window.addEventListener("online", connectNow);
  window.addEventListener("offline", () => socket?.close());
  document.addEventListener("visibilitychange", () => document.hidden || connectNow());
  window.addEventListener("pagehide", () => {
    ended = true;
    socket?.close();
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    ended = false;
    connectNow();
  });
}
