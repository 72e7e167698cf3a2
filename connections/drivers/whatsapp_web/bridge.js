/*
 * Page side of the WhatsApp Web driver: queues events and executes the driver's calls with wa-js (window.WPP). Runs once
 * per page load, after the bundle, inside the function that browser.py injects: `channel` sends text to the driver, or is
 * undefined.
 *
 * All output is JSON made by `serialize`. Events stay in `queue` until the driver acknowledges them; across a reload (a
 * logout reloads the page) sessionStorage keeps them, with their uid.
 *
 * A query that fails or times out throws and is retried by the driver; it never returns the same as "no" or "none".
 * capabilities.py lists the functions called here; a test compares the two.
 */
const STORAGE_KEY = "whatsflow.tail";
const QUEUE_LIMIT = 5000;
const epoch = crypto.randomUUID();
const queue = [];
const uploads = new Map();
const blobs = new Map();
const phoneOfLid = new Map();
const watched = new Set();
const page = { link: "", linkEnds: 0, linkError: "", idle: false, logout: "", left: false, update: false };
let number = 0;
let pendingEvents = Promise.resolve();

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const W = () => window.WPP;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/* Result of async work; throws "timed_out" after `ms`. */
const withTimeout = (ms, work) => Promise.race([
  Promise.resolve().then(work), sleep(ms).then(() => { throw new Refusal("timed_out"); }),
]);
/* Result of `work`; null if it throws. Only for optional values. */
const attempt = (work) => {
  try {
    return work() ?? null;
  } catch {
    return null;
  }
};
const text = (wid) => (wid ? wid._serialized || String(wid) : "");
const pathExists = (path) => (
  path.split(".").reduce((at, key) => (at == null ? undefined : at[key]), window) !== undefined
);

/* -- events ----------------------------------------------------------------------------------------------------- */

/* JSON.stringify writes a lone surrogate as an escape, which no database accepts. */
const LONE_SURROGATE = /\\\\|\\u(d[89a-f][0-9a-f]{2})/g;
const serialize = (value) => JSON.stringify(value).replace(LONE_SURROGATE, (found, half) => (half ? "\ufffd" : found));

function push(message) {
  if (channel) attempt(() => channel(serialize(message)));
}

function enqueue(type, data, uid) {
  number += 1;
  const event = { n: number, uid: uid || `${epoch}:${number}`, type, data };
  queue.push(event);
  if (queue.length > QUEUE_LIMIT) queue.shift();
  push({ epoch, event });
}

/* Queues an event whose data is built asynchronously, in order of arrival; a failure is queued as "broken". */
function enqueueAsync(type, build) {
  pendingEvents = pendingEvents.then(async () => {
    const data = await withTimeout(3000, build).catch(() => ({ broken: type }));
    if (data) enqueue(data.broken ? "broken" : data.skipped ? "skipped" : type, data);
  });
}

const notifyStateChange = () => push({ epoch, nudge: true });

function saveQueue() {
  if (queue.length) attempt(() => sessionStorage.setItem(STORAGE_KEY, JSON.stringify(queue.slice(-500))));
}

function restoreQueue() {
  try {
    for (const event of JSON.parse(sessionStorage.getItem(STORAGE_KEY) || "[]")) {
      enqueue(event.type, event.data, event.uid);
    }
    sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    enqueue("broken", { broken: "tail" });
  }
}

/* -- event data ------------------------------------------------------------------------------------------------- */

function ignoredKind(remote) {
  if (remote.endsWith("@g.us")) return "group";
  if (remote === "status@broadcast") return "status";
  if (remote.endsWith("@newsletter")) return "newsletter";
  if (remote.endsWith("@broadcast")) return "broadcast";
  return /@(c\.us|lid)$/.test(remote) ? "" : "other";
}

/*
 * Identifiers of a person as far as WhatsApp reveals them: {phone, lid}, digits only. One whose look-up fails is left out
 * and follows with a later message.
 */
async function identify(remote) {
  const [user, server] = remote.split("@");
  const named = server === "lid" ? { phone: phoneOfLid.get(user) || "", lid: user } : { phone: user, lid: "" };
  if (named.phone && named.lid) return named;
  const entry = await withTimeout(1000, () => W().contact.getPnLidEntry(remote)).catch(() => null);
  const phone = entry && entry.phoneNumber ? entry.phoneNumber.id : "";
  const lid = entry && entry.lid ? entry.lid.id : "";
  if (phone && lid) phoneOfLid.set(lid, phone);
  return { phone: named.phone || phone, lid: named.lid || lid };
}

const MEDIA = ["image", "video", "document", "audio", "ptt", "sticker", "gif", "ptv"];

function mediaOf(msg) {
  if (!MEDIA.includes(msg.type)) return null;
  const seconds = Number(msg.duration) || 0;
  return {
    key: text(msg.id), mime: msg.mimetype || "", size: Number(msg.size) || 0, name: msg.filename || "", seconds,
  };
}

/* Details that are not text, unchanged. */
function details(msg) {
  const more = {};
  for (const name of ["subtype", "lat", "lng", "loc", "comment", "vcardFormattedName", "pollName", "isForwarded",
    "isViewOnce", "isGif"]) {
    const value = attempt(() => msg[name]);
    if (["string", "number", "boolean"].includes(typeof value) && value !== "" && value !== false) more[name] = value;
  }
  if (msg.pollOptions) more.pollOptions = attempt(() => msg.pollOptions.map((one) => String(one.name))) || undefined;
  if (/vcard$/.test(msg.type)) {
    const cards = attempt(() => msg.vcardList.map((one) => String(one.vcard))) || [String(msg.body || "")];
    more.phones = cards.flatMap((card) => [...card.matchAll(/^TEL[^:\r\n]*:(.+)$/gim)].map((found) => found[1].trim()));
  }
  return more;
}

/* Time of the last edit in seconds; 0 if WhatsApp gives none. */
const editedAt = (msg) => Number(msg.latestEditSenderTimestampMs) / 1000 || 0;

async function messageData(msg) {
  const remote = text(msg.id.remote);
  const left = ignoredKind(remote);
  if (left) return { skipped: left };
  const media = mediaOf(msg);
  return {
    id: msg.id.id, fromMe: Boolean(msg.id.fromMe), chat: await identify(remote), type: msg.type || "",
    body: String((media ? msg.caption : msg.body) || ""), t: Number(msg.t) || 0, ack: Number(msg.ack) || 0,
    name: String(msg.notifyName || attempt(() => msg.senderObj.pushname) || ""),
    quoted: msg.quotedStanzaID || attempt(() => msg.quotedMsgId.id) || "", media, more: details(msg),
    edited: msg.latestEditMsgKey ? editedAt(msg) || Number(msg.t) : 0,
  };
}

/* WhatsApp reports typing only for subscribed chats. */
function subscribePresence(msg) {
  const remote = text(msg.id.remote);
  if (msg.id.fromMe || ignoredKind(remote) || watched.has(remote) || watched.size >= 500) return;
  watched.add(remote);
  withTimeout(3000, () => W().contact.subscribePresence(remote)).catch(() => null); // result not needed
}

function subscribeEvents() {
  const on = (name, handler) => W().on(name, (...args) => {
    try {
      handler(...args);
    } catch {
      enqueue("broken", { broken: name });
    }
  });
  on("chat.new_message", (msg) => { enqueueAsync("message", () => messageData(msg)); subscribePresence(msg); });
  on("chat.msg_ack_change", ({ ack, ids, chat }) => {
    if (ignoredKind(text(chat))) return;
    for (const id of ids) if (id.fromMe) enqueue("ack", { id: id.id, ack, t: Date.now() / 1000 });
  });
  /* `id` is the notice's own. `refId` is chosen by the sender and may name another person's message. */
  on("chat.msg_revoke", ({ id, refId, from }) => enqueueAsync("revoked", async () => {
    const remote = text(id.remote || from);
    if (ignoredKind(remote)) return null;
    return { id: refId.id, chat: await identify(remote), fromMe: Boolean(id.fromMe), t: Date.now() / 1000 };
  }));
  on("chat.msg_edited", ({ msg, chat }) => enqueueAsync("edited", async () => {
    const remote = text(msg.id.remote || chat);
    if (ignoredKind(remote)) return null;
    return { id: msg.id.id, chat: await identify(remote), fromMe: Boolean(msg.id.fromMe),
      body: String(msg.caption || msg.body || ""), t: editedAt(msg) || Date.now() / 1000 };
  }));
  on("chat.new_reaction", (one) => enqueueAsync("reaction", async () => {
    const remote = text(one.msgId.remote);
    const left = ignoredKind(remote);
    if (left) return { skipped: left };
    return { id: one.id.id, fromMe: Boolean(one.id.fromMe), chat: await identify(remote), quoted: one.msgId.id,
      body: one.reactionText || "", t: (one.timestamp > 1e12 ? one.timestamp / 1000 : one.timestamp) || 0 };
  }));
  on("chat.presence_change", ({ id, state, isGroup }) => {
    if (isGroup || ignoredKind(text(id)) || !["composing", "typing", "recording", "available", "paused", "unavailable"]
      .includes(state)) return;
    const active = ["composing", "typing", "recording"].includes(state);
    enqueueAsync("typing", async () => ({ chat: await identify(text(id)), active }));
  });
  on("conn.link_code_change", (code) => {
    page.link = String(code || "");
    page.linkEnds = Date.now() + 160000;
    notifyStateChange();
  });
  on("conn.link_code_expired", () => { page.link = ""; notifyStateChange(); });
  on("conn.link_code_error", () => { page.link = ""; page.linkError = "failed"; notifyStateChange(); });
  on("conn.qrcode_idle", () => { page.idle = true; notifyStateChange(); });
  on("conn.auth_code_change", (code) => { page.idle = page.idle && !code; notifyStateChange(); });
  on("conn.needs_update", () => { page.update = true; notifyStateChange(); });
  on("conn.logout", () => { page.left = true; notifyStateChange(); });
  on("conn.logout_reason", (reason) => {
    page.left = true;
    page.logout = String(reason || "");
    push({ epoch, logout: page.logout }); // sent now: the page reloads at once and loses it
  });
  for (const name of ["conn.authenticated", "conn.stream_mode_changed", "conn.stream_info_changed", "conn.main_init",
    "conn.main_loaded", "conn.main_ready", "conn.online", "loader.ready", "loader.full_ready"]) on(name, notifyStateChange);
}

/* Own number, digits only; WhatsApp may identify the account by its LID at first. */
function ownNumber() {
  const wid = attempt(() => W().conn.getMyUserWid());
  const phone = wid && wid.server === "lid" ? attempt(() => W().whatsapp.UserPrefs.getMaybeMePnUser()) : wid;
  return phone && phone.server !== "lid" ? phone.user : "";
}

/* -- look-up ----------------------------------------------------------------------------------------------------- */

const widOf = (chat) => (chat.phone ? `${chat.phone}@c.us` : `${chat.lid}@lid`);
const widNames = (chat) => [chat.phone && `${chat.phone}@c.us`, chat.lid && `${chat.lid}@lid`].filter(Boolean);

const wid = (name) => W().whatsapp.WidFactory.createWid(name);
const user = (found) => (found ? found.user : "");

function openChat(chat) {
  for (const name of widNames(chat)) {
    const found = W().chat.get(name);
    if (found) return found;
  }
  return null;
}

const existsCache = new Map();

/*
 * True if a number is on WhatsApp. Uses WhatsApp's own function, because that of wa-js returns a failure as "no".
 * Throws "lookup_failed". Results and failures are cached for a while.
 */
function exists(phone) {
  const before = existsCache.get(phone);
  if (before && Date.now() < before.until) return before.answer;
  const name = wid(`${phone}@c.us`);
  if (W().whatsapp.lidPnCache.getCurrentLid(name)) return Promise.resolve(true);
  const entry = { until: Infinity };
  const expireIn = (ms) => { entry.until = Date.now() + ms; };
  entry.answer = withTimeout(15000, () => W().whatsapp.functions.queryWidExists(name)).then((found) => {
    if (found !== null && !(found && found.wid)) throw new Refusal("lookup_failed");
    expireIn(found ? 300000 : 60000);
    return Boolean(found);
  }).catch(() => {
    expireIn(2000);
    throw new Refusal("lookup_failed");
  });
  if (existsCache.size >= 1000) existsCache.clear();
  existsCache.set(phone, entry);
  return entry.answer;
}

async function ensureChat(chat) {
  const open = openChat(chat);
  if (open) return open;
  if (chat.phone && !(await exists(chat.phone))) throw new Refusal("not_on_whatsapp");
  const found = await W().chat.find(widOf(chat));
  if (!found) throw new Refusal("chat_not_found");
  return found;
}

/* Phone and LID of a chat, as far as the page has linked them. */
function resolveIdentity(chat) {
  const lid = chat.lid || (chat.phone && user(W().whatsapp.lidPnCache.getCurrentLid(wid(`${chat.phone}@c.us`))));
  const phone = chat.phone || (chat.lid && user(W().whatsapp.lidPnCache.getPhoneNumber(wid(`${chat.lid}@lid`))));
  return { phone: phone || "", lid: lid || "" };
}

const messageKeys = (remotes, sides, id) => remotes.flatMap((remote) => sides.map((side) => `${side}_${remote}_${id}`));

/* Message in the page's memory; undefined if absent. */
function findInMemory(remotes, sides, id) {
  for (const key of messageKeys(remotes, sides, id)) {
    const found = W().whatsapp.MsgStore.get(key);
    if (found && found.id && found.id.id === id) return found;
  }
  return undefined;
}

const ABSENT = ["msg_not_found", "chat_not_found"];

/* Message in the page's database; null if absent. Throws "lookup_failed". */
async function findInDatabase(key, id) {
  try {
    const found = await withTimeout(3000, () => W().chat.getMessageById(key));
    return found && found.id && found.id.id === id ? found : null;
  } catch (error) {
    if (error && ABSENT.includes(error.code)) return null;
    throw new Refusal("lookup_failed");
  }
}

/*
 * Message of a chat by its bare id, under either identifier of the chat; null if WhatsApp has none. Throws
 * "lookup_failed" if that is unknown.
 */
async function findMessage(chat, id, mine) {
  const sides = mine === undefined ? [true, false] : [mine];
  let both = resolveIdentity(chat);
  if (both.phone && !both.lid && !openChat(both)) {
    await exists(both.phone); // this may teach the page the LID under which the chat exists
    both = resolveIdentity(chat);
  }
  const open = openChat(both);
  const remotes = [...new Set([...(open ? [text(open.id)] : []), ...widNames(both)])];
  const here = findInMemory(remotes, sides, id);
  if (here) return here;
  for (const key of open ? messageKeys(remotes, sides, id) : []) {
    const found = await findInDatabase(key, id);
    if (found) return found;
  }
  return null;
}

const receipt = (msg) => ({ id: msg.id.id, ack: Number(msg.ack) || 0, t: Number(msg.t) || 0 });

/* -- calls -------------------------------------------------------------------------------------------------------- */

const DEFAULT_OPTIONS = {
  createChat: true, linkPreview: false, markIsRead: false, detectMentioned: false, delay: 0, waitForAck: true,
};
/* WhatsApp's error for a number that may not start new chats: code 463, or its names. */
const NEW_CHAT_LIMIT = /\b463\b|reach_?out|time_?lock/i;
/* Error of wa-js for a file that was not uploaded; the message itself was not refused. */
const UPLOAD_ERROR = /\bERROR_UPLOAD\b/;
const describe = (value) => attempt(() => JSON.stringify(value)) || String(value);
const KINDS = { image: "image", video: "video", document: "document", audio: "audio", voice: "audio", sticker: "sticker" };

async function sendOptions(chat, id, quoted, target) {
  const made = await W().chat.generateMessageID(chat);
  const messageId = new (W().whatsapp.MsgKey)({
    fromMe: true, remote: made.remote, id, participant: made.participant,
  });
  // a reply without its quote is better than none
  const original = quoted ? await findMessage(target, quoted).catch(() => null) : null;
  return { ...DEFAULT_OPTIONS, messageId, ...(original ? { quotedMsg: original } : {}) };
}

async function submit(chat, args, opts) {
  if (!args.media) return W().chat.sendTextMessage(text(chat.id), args.body, opts);
  const { upload, name, mime } = args.media;
  const parts = uploads.get(upload);
  if (!parts) throw new Refusal("upload_lost");
  const file = new File(parts, name, { type: mime });
  return W().chat.sendFileMessage(text(chat.id), file, {
    ...opts, type: KINDS[args.kind] || "document", caption: args.body || undefined, filename: name, mimetype: mime,
    ...(args.kind === "voice" ? { isPtt: true } : {}),
  });
}

/* Waits briefly for the ack, so that most sends return "sent"; later receipts arrive as events. */
async function awaitAck(args, chat, submission) {
  const remotes = [...new Set([text(chat.id), ...widNames(args.chat)])];
  const start = Date.now();
  const begun = start + (args.media ? 30000 : 10000);
  let until = 0;
  for (;;) {
    const msg = findInMemory(remotes, [true], args.id);
    if (msg && msg.ack > 0) return receipt(msg);
    if (msg && msg.ack < 0) return describeFailure(msg, submission);
    if (submission.error && !msg) throw submission.error;
    if (!until && ((msg && !args.media) || submission.over || Date.now() >= begun)) until = Date.now() + args.patience;
    if (until && Date.now() >= until) return msg ? receipt(msg) : null;
    await sleep(40);
  }
}

/* Receipt of a refused message; the error arrives shortly after the message has failed. */
async function describeFailure(msg, submission) {
  for (let waited = 0; !submission.over && waited < 1000; waited += 40) await sleep(40);
  const words = `${describe(submission.result)} ${submission.error ? submission.error.message : ""}`;
  return { ...receipt(msg), limited: NEW_CHAT_LIMIT.test(words), upload: UPLOAD_ERROR.test(words) };
}

const calls = {
  status() {
    const ready = Boolean(attempt(() => W().isReady));
    const authenticated = ready ? attempt(() => Boolean(W().conn.isAuthenticated())) : false;
    const stream = (ready && attempt(() => W().conn.getStreamData())) || {};
    const me = authenticated ? ownNumber() : "";
    return {
      epoch, ready, full: Boolean(attempt(() => W().isFullReady)), authenticated,
      mode: String(stream.mode || ""), info: String(stream.info || ""), me,
      name: String((me && attempt(() => W().profile.getMyProfileName())) || ""),
      link: page.link, linkLeft: Math.max(0, page.linkEnds - Date.now()) / 1000, linkError: page.linkError,
      online: attempt(() => W().conn.isOnline()) !== false, idle: page.idle, left: page.left, logout: page.logout,
      update: page.update, last: number,
    };
  },
  /* Displayed QR code or "". If the refresh fails, the present one is returned. */
  async qr({ refresh }) {
    const fresh = refresh ? await withTimeout(5000, () => W().conn.refreshQR()).catch(() => null) : null;
    if (refresh) page.idle = false;
    const now = fresh || (await withTimeout(3000, () => W().conn.getAuthCode()));
    return now ? now.fullCode : "";
  },
  async link({ phone }) {
    page.linkError = "";
    const code = await W().conn.startLinkDeviceCodeForPhoneNumber(phone, true);
    if (code) { page.link = String(code); page.linkEnds = Date.now() + 160000; }
    return page.link;
  },
  missing: ({ paths }) => paths.filter((path) => !attempt(() => pathExists(path))),
  drain({ after }) {
    while (queue.length && queue[0].n <= after) queue.shift();
    return { epoch, events: queue.slice(0, 500), last: number };
  },
  upload({ upload, data }) {
    const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    uploads.set(upload, [...(uploads.get(upload) || []), bytes]);
    return true;
  },
  drop({ handle }) {
    uploads.delete(handle);
    blobs.delete(handle);
    return true;
  },
  async lookup({ chat, id }) {
    const found = await findMessage(chat, id, true);
    return found ? receipt(found) : null;
  },
  async send(args) {
    const before = args.fresh ? null : await findMessage(args.chat, args.id, true);
    if (before) return { ...receipt(before), known: true };
    const chat = await ensureChat(args.chat);
    const opts = await sendOptions(chat, args.id, args.quoted, args.chat);
    const submission = { over: false, result: null, error: null };
    submit(chat, args, opts)
      .then((done) => { submission.result = done && done.sendMsgResult; }, (problem) => { submission.error = problem; })
      .finally(() => { submission.over = true; });
    return awaitAck(args, chat, submission);
  },
  exists: ({ phone }) => exists(phone),
  async read({ chat }) {
    const open = openChat(chat) || (await ensureChat(chat));
    await W().chat.markIsRead(text(open.id));
    return true;
  },
  async typing({ chat, active }) {
    const open = openChat(chat);
    if (!open) return false;
    await (active ? W().chat.markIsComposing(text(open.id)) : W().chat.markIsPaused(text(open.id)));
    return true;
  },
  /* Profile picture, to be read in slices like any file; null if there is none. */
  async picture({ chat }) {
    const url = await withTimeout(10000, () => W().contact.getProfilePictureUrl(widOf(chat), false));
    if (!url) return null;
    const answer = await fetch(url);
    if (!answer.ok) throw new Refusal("picture_failed");
    const blob = await answer.blob();
    const handle = crypto.randomUUID();
    blobs.set(handle, blob);
    return { handle, size: blob.size, mime: blob.type };
  },
  /* Chats of persons with messages since then, latest first. `left`: number of further chats. */
  async recent({ since, chats }) {
    const named = (await W().chat.list({ onlyUsers: true })).map((chat) => (
      { name: text(chat.id), t: Number(attempt(() => chat.t)) || Infinity }
    ));
    const active = named.filter(({ name, t }) => !ignoredKind(name) && t >= since).sort((one, other) => other.t - one.t);
    return { chats: active.slice(0, chats).map(({ name }) => name), left: Math.max(0, active.length - chats) };
  },
  /* Messages of one chat since then, oldest first. broken: number of unreadable ones. cut: more than `count` exist. */
  async history({ chat, since, count }) {
    const open = W().chat.get(chat);
    if (!open) throw new Refusal("chat_not_found");
    const old = await withTimeout(10000, () => W().chat.getMessages(chat, { count, direction: "before" }));
    const found = new Map([...old, ...open.msgs.getModelsArray()].map((one) => [text(one.id), one]));
    const late = [...found.values()].filter((msg) => !(msg.t < since));
    const read = await Promise.all(late.map((msg) => withTimeout(5000, () => messageData(msg)).catch(() => null)));
    const messages = read.filter((one) => one && !one.skipped).sort((one, other) => one.t - other.t);
    return {
      messages, broken: read.filter((one) => !one).length, cut: old.length >= count && old.every((msg) => !(msg.t < since)),
    };
  },
  async fetch({ key }) {
    const blob = await W().chat.downloadMedia(key);
    const handle = crypto.randomUUID();
    blobs.set(handle, blob);
    return { handle, size: blob.size, mime: blob.type };
  },
  async slice({ handle, start, end }) {
    const bytes = new Uint8Array(await blobs.get(handle).slice(start, end).arrayBuffer());
    let out = "";
    for (let at = 0; at < bytes.length; at += 32768) out += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(out);
  },
  logout() {
    setTimeout(() => attempt(() => W().conn.logout()), 0);
    return true;
  },
};

window.__whatsflow = {
  epoch,
  async call(name, args) {
    try {
      return serialize({ ok: true, value: (await calls[name](args || {})) ?? null });
    } catch (error) {
      const kind = String((error && error.name) || "");
      return serialize({ ok: false, code: String((error && error.code) || "failed"), kind });
    }
  },
};

window.addEventListener("pagehide", saveQueue);
restoreQueue();
subscribeEvents();
notifyStateChange();
