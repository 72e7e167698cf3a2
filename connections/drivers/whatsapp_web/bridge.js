/*
 * Our half of the page: numbers what happens, and does what it is told with wa-js (window.WPP). Runs once a page load,
 * after the bundle, inside the function that browser.py injects: `channel` sends text to the driver, or is undefined.
 *
 * Everything that goes out is plain JSON. Events stay in `queue` until the driver confirms them; over a reload (a
 * logout reloads the page) they are carried in sessionStorage under their old uid.
 */
const TAIL = "whatsflow.tail";
const KEEP = 5000;
const epoch = crypto.randomUUID();
const queue = [];
const uploads = new Map();
const blobs = new Map();
const phoneOfLid = new Map();
const watched = new Set();
const page = { link: "", linkEnds: 0, linkError: "", idle: false, logout: "", left: false, update: false };
let number = 0;
let order = Promise.resolve();

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const W = () => window.WPP;
const later = (ms, value) => new Promise((resolve) => setTimeout(() => resolve(value), ms));
const attempt = (work, fallback) => {
  try {
    return work();
  } catch {
    return fallback;
  }
};
const soon = (promise, ms, fallback) =>
  Promise.race([Promise.resolve(promise).catch(() => fallback), later(ms, fallback)]);
const text = (wid) => (wid ? wid._serialized || String(wid) : "");
const has = (path) => path.split(".").reduce((at, key) => (at == null ? undefined : at[key]), window) !== undefined;

/* -- events out -------------------------------------------------------------------------------------------------- */

function push(message) {
  if (channel) attempt(() => channel(JSON.stringify(message)));
}

function put(type, data, uid) {
  number += 1;
  const event = { n: number, uid: uid || `${epoch}:${number}`, type, data };
  queue.push(event);
  if (queue.length > KEEP) queue.shift();
  push({ epoch, event });
}

/* What needs a look-up first still leaves in the order in which it came; what cannot be read is told to be there. */
function tell(type, build) {
  order = order.then(async () => {
    const data = await soon(Promise.resolve().then(build), 3000, { broken: type });
    if (data) put(data.broken ? "broken" : data.skipped ? "skipped" : type, data);
  });
}

const nudge = () => push({ epoch, nudge: true });

function carry() {
  if (queue.length) attempt(() => sessionStorage.setItem(TAIL, JSON.stringify(queue.slice(-500))));
}

function takeUp() {
  const tail = attempt(() => JSON.parse(sessionStorage.getItem(TAIL) || "[]"), []);
  attempt(() => sessionStorage.removeItem(TAIL));
  for (const event of tail) put(event.type, event.data, event.uid);
}

/* -- who and what ------------------------------------------------------------------------------------------------ */

function skipped(remote) {
  if (remote.endsWith("@g.us")) return "group";
  if (remote === "status@broadcast") return "status";
  if (remote.endsWith("@newsletter")) return "newsletter";
  if (remote.endsWith("@broadcast")) return "broadcast";
  return /@(c\.us|lid)$/.test(remote) ? "" : "other";
}

/* Both names of a person as far as WhatsApp tells them: {phone, lid}, bare digits. */
async function person(remote) {
  const [user, server] = remote.split("@");
  const known = server === "lid" ? { phone: phoneOfLid.get(user) || "", lid: user } : { phone: user, lid: "" };
  if (known.phone && known.lid) return known;
  const entry = await soon(W().contact.getPnLidEntry(remote), 1000, null);
  const phone = entry && entry.phoneNumber ? entry.phoneNumber.id : "";
  const lid = entry && entry.lid ? entry.lid.id : "";
  if (phone && lid) phoneOfLid.set(lid, phone);
  return { phone: known.phone || phone, lid: known.lid || lid };
}

const MEDIA = ["image", "video", "document", "audio", "ptt", "sticker", "gif", "ptv"];

function mediaOf(msg) {
  if (!MEDIA.includes(msg.type)) return null;
  const seconds = Number(msg.duration) || 0;
  return {
    key: text(msg.id), mime: msg.mimetype || "", size: Number(msg.size) || 0, name: msg.filename || "", seconds,
  };
}

/* What cannot be shown as text, kept as it came. */
function details(msg) {
  const more = {};
  for (const name of ["subtype", "lat", "lng", "loc", "comment", "vcardFormattedName", "pollName", "isForwarded",
    "isViewOnce", "isGif"]) {
    const value = attempt(() => msg[name]);
    if (["string", "number", "boolean"].includes(typeof value) && value !== "" && value !== false) more[name] = value;
  }
  if (msg.pollOptions) more.pollOptions = attempt(() => msg.pollOptions.map((one) => String(one.name)), []);
  if (/vcard$/.test(msg.type)) {
    const cards = attempt(() => msg.vcardList.map((one) => String(one.vcard)), null) || [String(msg.body || "")];
    more.phones = cards.flatMap((card) => [...card.matchAll(/^TEL[^:\r\n]*:(.+)$/gim)].map((found) => found[1].trim()));
  }
  return more;
}

/* When its writer changed it last, in seconds; 0: WhatsApp does not say. */
const editedAt = (msg) => Number(msg.latestEditSenderTimestampMs) / 1000 || 0;

async function message(msg) {
  const remote = text(msg.id.remote);
  const left = skipped(remote);
  if (left) return { skipped: left };
  const media = mediaOf(msg);
  return {
    id: msg.id.id, fromMe: Boolean(msg.id.fromMe), chat: await person(remote), type: msg.type || "",
    body: String((media ? msg.caption : msg.body) || ""), t: Number(msg.t) || 0, ack: Number(msg.ack) || 0,
    name: String(msg.notifyName || attempt(() => msg.senderObj.pushname) || ""),
    quoted: msg.quotedStanzaID || attempt(() => msg.quotedMsgId.id) || "", media, more: details(msg),
    edited: msg.latestEditMsgKey ? editedAt(msg) || Number(msg.t) : 0,
  };
}

/* WhatsApp tells who is typing only to those who have asked for that chat. */
function follow(msg) {
  const remote = text(msg.id.remote);
  if (msg.id.fromMe || skipped(remote) || watched.has(remote) || watched.size >= 500) return;
  watched.add(remote);
  soon(Promise.resolve().then(() => W().contact.subscribePresence(remote)), 3000, null);
}

function listen() {
  const on = (name, handler) => W().on(name, (...args) => attempt(() => handler(...args)));
  on("chat.new_message", (msg) => { tell("message", () => message(msg)); follow(msg); });
  on("chat.msg_ack_change", ({ ack, ids, chat }) => {
    if (skipped(text(chat))) return;
    for (const id of ids) if (id.fromMe) put("ack", { id: id.id, ack, t: Date.now() / 1000 });
  });
  on("chat.msg_revoke", ({ refId, from }) => tell("revoked", async () => {
    const remote = text(refId.remote || from);
    return skipped(remote) ? null : { id: refId.id, chat: await person(remote), t: Date.now() / 1000 };
  }));
  on("chat.msg_edited", ({ msg, chat }) => tell("edited", async () => {
    const remote = text(msg.id.remote || chat);
    if (skipped(remote)) return null;
    return { id: msg.id.id, chat: await person(remote), body: String(msg.caption || msg.body || ""),
      t: editedAt(msg) || Date.now() / 1000 };
  }));
  on("chat.new_reaction", (one) => tell("reaction", async () => {
    const remote = text(one.msgId.remote);
    const left = skipped(remote);
    if (left) return { skipped: left };
    return { id: one.id.id, fromMe: Boolean(one.id.fromMe), chat: await person(remote), quoted: one.msgId.id,
      body: one.reactionText || "", t: (one.timestamp > 1e12 ? one.timestamp / 1000 : one.timestamp) || 0 };
  }));
  on("chat.presence_change", ({ id, state, isGroup }) => {
    if (isGroup || skipped(text(id)) || !["composing", "typing", "recording", "available", "paused", "unavailable"]
      .includes(state)) return;
    const active = ["composing", "typing", "recording"].includes(state);
    tell("typing", async () => ({ chat: await person(text(id)), active }));
  });
  on("conn.link_code_change", (code) => { page.link = String(code || ""); page.linkEnds = Date.now() + 160000; nudge(); });
  on("conn.link_code_expired", () => { page.link = ""; nudge(); });
  on("conn.link_code_error", () => { page.link = ""; page.linkError = "failed"; nudge(); });
  on("conn.qrcode_idle", () => { page.idle = true; nudge(); });
  on("conn.auth_code_change", (code) => { page.idle = page.idle && !code; nudge(); });
  on("conn.needs_update", () => { page.update = true; nudge(); });
  on("conn.logout", () => { page.left = true; nudge(); });
  on("conn.logout_reason", (reason) => {
    page.left = true;
    page.logout = String(reason || "");
    push({ epoch, logout: page.logout }); // the page is loaded anew at once, and then knows nothing of it
  });
  for (const name of ["conn.authenticated", "conn.stream_mode_changed", "conn.stream_info_changed", "conn.main_init",
    "conn.main_loaded", "conn.main_ready", "conn.online", "loader.ready", "loader.full_ready"]) on(name, nudge);
}

/* The own number, bare digits; WhatsApp may name the account by its LID first. */
function ownNumber() {
  const wid = attempt(() => W().conn.getMyUserWid());
  const phone = wid && wid.server === "lid" ? attempt(() => W().whatsapp.UserPrefs.getMaybeMePnUser()) : wid;
  return phone && phone.server !== "lid" ? phone.user : "";
}

/* -- finding ----------------------------------------------------------------------------------------------------- */

const widOf = (chat) => (chat.phone ? `${chat.phone}@c.us` : `${chat.lid}@lid`);
const names = (chat) => [chat.phone && `${chat.phone}@c.us`, chat.lid && `${chat.lid}@lid`].filter(Boolean);

function openChat(chat) {
  for (const name of names(chat)) {
    const found = attempt(() => W().chat.get(name));
    if (found) return found;
  }
  return null;
}

async function chatOf(chat) {
  const open = openChat(chat);
  if (open) return open;
  if (chat.phone && !(await W().contact.queryWidExists(`${chat.phone}@c.us`))) throw new Refusal("not_on_whatsapp");
  const found = await W().chat.find(widOf(chat));
  if (!found) throw new Refusal("chat_not_found");
  return found;
}

/* A message of this chat by its bare id, whatever name the chat goes by; null when WhatsApp has none. */
async function find(chat, id, mine) {
  const open = openChat(chat);
  const both = await person(open ? text(open.id) : widOf(chat));
  const remotes = new Set([...(open ? [text(open.id)] : []), ...names(chat), ...names(both)]);
  const sides = mine === undefined ? [true, false] : [mine];
  for (const remote of remotes) {
    for (const side of sides) {
      const key = `${side}_${remote}_${id}`;
      const found = attempt(() => W().whatsapp.MsgStore.get(key)) || (await soon(W().chat.getMessageById(key), 3000, null));
      if (found && found.id && found.id.id === id) return found;
    }
  }
  return null;
}

const receipt = (msg) => ({ id: msg.id.id, ack: Number(msg.ack) || 0, t: Number(msg.t) || 0 });

/* -- calls -------------------------------------------------------------------------------------------------------- */

const PLAIN = {
  createChat: true, linkPreview: false, markIsRead: false, detectMentioned: false, delay: 0, waitForAck: true,
};
/* What WhatsApp calls it when a number may write to nobody new: its code 463, or its words for it. */
const LIMIT = /\b463\b|reach_?out|time_?lock/i;
const told = (value) => attempt(() => JSON.stringify(value), "") || String(value);
const KINDS = { image: "image", video: "video", document: "document", audio: "audio", voice: "audio", sticker: "sticker" };

async function options(chat, id, quoted, target) {
  const made = await W().chat.generateMessageID(chat);
  const messageId = new (W().whatsapp.MsgKey)({
    fromMe: true, remote: made.remote, id, participant: made.participant,
  });
  const original = quoted ? await find(target, quoted) : null;
  return { ...PLAIN, messageId, ...(original ? { quotedMsg: original } : {}) };
}

async function handOver(chat, args, opts) {
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

/* Wait a moment for WhatsApp to take it, so that most answers say "sent"; later receipts come as events. */
async function settle(args, handed) {
  const start = Date.now();
  const begun = start + (args.media ? 30000 : 10000);
  let until = 0;
  for (;;) {
    const msg = await find(args.chat, args.id, true);
    if (msg && msg.ack > 0) return receipt(msg);
    if (msg && msg.ack < 0) return refused(msg, handed);
    if (handed.error && !msg) throw handed.error;
    if (!until && ((msg && !args.media) || handed.over || Date.now() >= begun)) until = Date.now() + args.patience;
    if (until && Date.now() >= until) return msg ? receipt(msg) : null;
    await later(40);
  }
}

/* WhatsApp said no; why comes a moment later than the failed message. */
async function refused(msg, handed) {
  for (let waited = 0; !handed.over && waited < 1000; waited += 40) await later(40);
  const words = `${told(handed.result)} ${handed.error ? handed.error.message : ""}`;
  return { ...receipt(msg), limited: LIMIT.test(words) };
}

const calls = {
  status() {
    const ready = Boolean(attempt(() => W().isReady));
    const authenticated = ready && Boolean(attempt(() => W().conn.isAuthenticated()));
    const stream = (ready && attempt(() => W().conn.getStreamData())) || {};
    const me = authenticated ? ownNumber() : "";
    return {
      epoch, ready, full: Boolean(attempt(() => W().isFullReady)), authenticated,
      mode: String(stream.mode || ""), info: String(stream.info || ""), me,
      name: String((me && attempt(() => W().profile.getMyProfileName())) || ""),
      link: page.link, linkLeft: Math.max(0, page.linkEnds - Date.now()) / 1000, linkError: page.linkError,
      online: attempt(() => W().conn.isOnline(), true) !== false, idle: page.idle, left: page.left, logout: page.logout, update: page.update, last: number,
    };
  },
  async qr({ refresh }) {
    const code = refresh ? await soon(W().conn.refreshQR(), 5000, null) : null;
    if (refresh) page.idle = false;
    const now = code || (await soon(W().conn.getAuthCode(), 3000, null));
    return now ? now.fullCode : "";
  },
  async link({ phone }) {
    page.linkError = "";
    const code = await W().conn.startLinkDeviceCodeForPhoneNumber(phone, true);
    if (code) { page.link = String(code); page.linkEnds = Date.now() + 160000; }
    return page.link;
  },
  missing: ({ paths }) => paths.filter((path) => !attempt(() => has(path), false)),
  drain({ after }) {
    while (queue.length && queue[0].n <= after) queue.shift();
    return { epoch, events: queue.slice(0, 500), last: number };
  },
  upload({ upload, data }) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    uploads.set(upload, [...(uploads.get(upload) || []), bytes]);
    return true;
  },
  drop({ handle }) {
    uploads.delete(handle);
    blobs.delete(handle);
    return true;
  },
  async lookup({ chat, id }) {
    const found = await find(chat, id, true);
    return found ? receipt(found) : null;
  },
  async send(args) {
    const known = await find(args.chat, args.id, true);
    if (known) return { ...receipt(known), known: true };
    const chat = await chatOf(args.chat);
    const opts = await options(chat, args.id, args.quoted, args.chat);
    const handed = { over: false, result: null, error: null };
    handOver(chat, args, opts)
      .then((done) => { handed.result = done && done.sendMsgResult; }, (problem) => { handed.error = problem; })
      .finally(() => { handed.over = true; });
    return settle(args, handed);
  },
  exists: async ({ phone }) => Boolean(await W().contact.queryWidExists(`${phone}@c.us`)),
  async read({ chat }) {
    const open = openChat(chat) || (await chatOf(chat));
    await W().chat.markIsRead(text(open.id));
    return true;
  },
  async typing({ chat, active }) {
    const open = openChat(chat);
    if (!open) return false;
    await (active ? W().chat.markIsComposing(text(open.id)) : W().chat.markIsPaused(text(open.id)));
    return true;
  },
  /* A profile picture, to be fetched in slices like any file; null for those who show none. */
  async picture({ chat }) {
    const url = await soon(W().contact.getProfilePictureUrl(widOf(chat), false), 10000, null);
    if (!url) return null;
    const answer = await fetch(url);
    if (!answer.ok) return null;
    const blob = await answer.blob();
    const handle = crypto.randomUUID();
    blobs.set(handle, blob);
    return { handle, size: blob.size, mime: blob.type };
  },
  async history({ since, chats, count }) {
    const open = await W().chat.list({ onlyUsers: true, count: chats });
    const found = [];
    for (const chat of open) {
      if (skipped(text(chat.id)) || (Number(chat.t) && chat.t < since)) continue;
      const old = await soon(W().chat.getMessages(text(chat.id), { count, direction: "before" }), 15000, []);
      const shown = attempt(() => chat.msgs.getModelsArray(), []);
      for (const msg of new Map([...old, ...shown].map((one) => [text(one.id), one])).values()) {
        if (msg.t >= since) found.push(await soon(Promise.resolve().then(() => message(msg)), 3000, { broken: true }));
      }
    }
    const messages = found.filter((one) => !one.skipped && !one.broken).sort((one, other) => one.t - other.t);
    return { messages, broken: found.filter((one) => one.broken).length };
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
      return { ok: true, value: (await calls[name](args || {})) ?? null };
    } catch (error) {
      return { ok: false, code: String((error && error.code) || "failed"), kind: String((error && error.name) || "") };
    }
  },
};

window.addEventListener("pagehide", carry);
takeUp();
listen();
nudge();
