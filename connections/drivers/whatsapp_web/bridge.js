/*
 * Our half of the page: numbers what happens, and does what it is told with wa-js (window.WPP). Runs once a page load,
 * after the bundle, inside the function that browser.py injects: `channel` sends text to the driver, or is undefined.
 *
 * Everything that goes out is JSON made by `pack`. Events stay in `queue` until the driver confirms them; over a reload
 * (a logout reloads the page) they are carried in sessionStorage under their old uid.
 *
 * A question that failed or timed out is never answered like one whose answer is "no" or "nothing": it throws, and the
 * driver asks again later. canary.py lists what is called here; a test keeps the two alike.
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
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/* The answer of what takes its time. Throws "timed_out" after so long. */
const within = (ms, work) => Promise.race([
  Promise.resolve().then(work), later(ms).then(() => { throw new Refusal("timed_out"); }),
]);
/* What it says; null when it cannot be told. Only for what may stay unknown. */
const known = (work) => {
  try {
    return work() ?? null;
  } catch {
    return null;
  }
};
const text = (wid) => (wid ? wid._serialized || String(wid) : "");
const has = (path) => path.split(".").reduce((at, key) => (at == null ? undefined : at[key]), window) !== undefined;

/* -- events out -------------------------------------------------------------------------------------------------- */

/* JSON.stringify writes half a character (a lone surrogate) as an escape, which no database takes. */
const HALF = /\\\\|\\u(d[89a-f][0-9a-f]{2})/g;
const pack = (value) => JSON.stringify(value).replace(HALF, (found, half) => (half ? "\ufffd" : found));

function push(message) {
  if (channel) known(() => channel(pack(message)));
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
    const data = await within(3000, build).catch(() => ({ broken: type }));
    if (data) put(data.broken ? "broken" : data.skipped ? "skipped" : type, data);
  });
}

const nudge = () => push({ epoch, nudge: true });

function carry() {
  if (queue.length) known(() => sessionStorage.setItem(TAIL, JSON.stringify(queue.slice(-500))));
}

function takeUp() {
  try {
    for (const event of JSON.parse(sessionStorage.getItem(TAIL) || "[]")) put(event.type, event.data, event.uid);
    sessionStorage.removeItem(TAIL);
  } catch {
    put("broken", { broken: "tail" });
  }
}

/* -- who and what ------------------------------------------------------------------------------------------------ */

function skipped(remote) {
  if (remote.endsWith("@g.us")) return "group";
  if (remote === "status@broadcast") return "status";
  if (remote.endsWith("@newsletter")) return "newsletter";
  if (remote.endsWith("@broadcast")) return "broadcast";
  return /@(c\.us|lid)$/.test(remote) ? "" : "other";
}

/*
 * Both names of a person as far as WhatsApp tells them: {phone, lid}, bare digits. One that could not be asked for is
 * left out: it is told with a later message.
 */
async function person(remote) {
  const [user, server] = remote.split("@");
  const named = server === "lid" ? { phone: phoneOfLid.get(user) || "", lid: user } : { phone: user, lid: "" };
  if (named.phone && named.lid) return named;
  const entry = await within(1000, () => W().contact.getPnLidEntry(remote)).catch(() => null);
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

/* What cannot be shown as text, kept as it came. */
function details(msg) {
  const more = {};
  for (const name of ["subtype", "lat", "lng", "loc", "comment", "vcardFormattedName", "pollName", "isForwarded",
    "isViewOnce", "isGif"]) {
    const value = known(() => msg[name]);
    if (["string", "number", "boolean"].includes(typeof value) && value !== "" && value !== false) more[name] = value;
  }
  if (msg.pollOptions) more.pollOptions = known(() => msg.pollOptions.map((one) => String(one.name))) || undefined;
  if (/vcard$/.test(msg.type)) {
    const cards = known(() => msg.vcardList.map((one) => String(one.vcard))) || [String(msg.body || "")];
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
    name: String(msg.notifyName || known(() => msg.senderObj.pushname) || ""),
    quoted: msg.quotedStanzaID || known(() => msg.quotedMsgId.id) || "", media, more: details(msg),
    edited: msg.latestEditMsgKey ? editedAt(msg) || Number(msg.t) : 0,
  };
}

/* WhatsApp tells who is typing only to those who have asked for that chat. */
function follow(msg) {
  const remote = text(msg.id.remote);
  if (msg.id.fromMe || skipped(remote) || watched.has(remote) || watched.size >= 500) return;
  watched.add(remote);
  within(3000, () => W().contact.subscribePresence(remote)).catch(() => null); // nobody waits for it
}

function listen() {
  const on = (name, handler) => W().on(name, (...args) => {
    try {
      handler(...args);
    } catch {
      put("broken", { broken: name });
    }
  });
  on("chat.new_message", (msg) => { tell("message", () => message(msg)); follow(msg); });
  on("chat.msg_ack_change", ({ ack, ids, chat }) => {
    if (skipped(text(chat))) return;
    for (const id of ids) if (id.fromMe) put("ack", { id: id.id, ack, t: Date.now() / 1000 });
  });
  /* `id` is the notice's own: a sender writes `refId` as they like, and may name a message of somebody else. */
  on("chat.msg_revoke", ({ id, refId, from }) => tell("revoked", async () => {
    const remote = text(id.remote || from);
    if (skipped(remote)) return null;
    return { id: refId.id, chat: await person(remote), fromMe: Boolean(id.fromMe), t: Date.now() / 1000 };
  }));
  on("chat.msg_edited", ({ msg, chat }) => tell("edited", async () => {
    const remote = text(msg.id.remote || chat);
    if (skipped(remote)) return null;
    return { id: msg.id.id, chat: await person(remote), fromMe: Boolean(msg.id.fromMe),
      body: String(msg.caption || msg.body || ""), t: editedAt(msg) || Date.now() / 1000 };
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
  const wid = known(() => W().conn.getMyUserWid());
  const phone = wid && wid.server === "lid" ? known(() => W().whatsapp.UserPrefs.getMaybeMePnUser()) : wid;
  return phone && phone.server !== "lid" ? phone.user : "";
}

/* -- finding ----------------------------------------------------------------------------------------------------- */

const widOf = (chat) => (chat.phone ? `${chat.phone}@c.us` : `${chat.lid}@lid`);
const names = (chat) => [chat.phone && `${chat.phone}@c.us`, chat.lid && `${chat.lid}@lid`].filter(Boolean);

const wid = (name) => W().whatsapp.WidFactory.createWid(name);
const user = (found) => (found ? found.user : "");

function openChat(chat) {
  for (const name of names(chat)) {
    const found = W().chat.get(name);
    if (found) return found;
  }
  return null;
}

const asked = new Map();

/*
 * Whether a number is on WhatsApp. Asked of WhatsApp itself, as wa-js answers a question that failed like a "no".
 * Throws "lookup_failed"; a question is not repeated at once, whatever became of it.
 */
function exists(phone) {
  const before = asked.get(phone);
  if (before && Date.now() < before.until) return before.answer;
  const name = wid(`${phone}@c.us`);
  if (W().whatsapp.lidPnCache.getCurrentLid(name)) return Promise.resolve(true);
  const entry = { until: Infinity };
  const rest = (ms) => { entry.until = Date.now() + ms; };
  entry.answer = within(15000, () => W().whatsapp.functions.queryWidExists(name)).then((found) => {
    if (found !== null && !(found && found.wid)) throw new Refusal("lookup_failed");
    rest(found ? 300000 : 60000);
    return Boolean(found);
  }).catch(() => {
    rest(2000);
    throw new Refusal("lookup_failed");
  });
  if (asked.size >= 1000) asked.clear();
  asked.set(phone, entry);
  return entry.answer;
}

async function chatOf(chat) {
  const open = openChat(chat);
  if (open) return open;
  if (chat.phone && !(await exists(chat.phone))) throw new Refusal("not_on_whatsapp");
  const found = await W().chat.find(widOf(chat));
  if (!found) throw new Refusal("chat_not_found");
  return found;
}

/* The chat under its other name too, as far as the page has connected the two. */
function bothNames(chat) {
  const lid = chat.lid || (chat.phone && user(W().whatsapp.lidPnCache.getCurrentLid(wid(`${chat.phone}@c.us`))));
  const phone = chat.phone || (chat.lid && user(W().whatsapp.lidPnCache.getPhoneNumber(wid(`${chat.lid}@lid`))));
  return { phone: phone || "", lid: lid || "" };
}

const keysOf = (remotes, sides, id) => remotes.flatMap((remote) => sides.map((side) => `${side}_${remote}_${id}`));

/* A message that the page has in its memory; undefined when it is not there. */
function stored(remotes, sides, id) {
  for (const key of keysOf(remotes, sides, id)) {
    const found = W().whatsapp.MsgStore.get(key);
    if (found && found.id && found.id.id === id) return found;
  }
  return undefined;
}

const ABSENT = ["msg_not_found", "chat_not_found"];

/* A message that the page has in its database; null when it is not there. */
async function fetched(key, id) {
  try {
    const found = await within(3000, () => W().chat.getMessageById(key));
    return found && found.id && found.id.id === id ? found : null;
  } catch (error) {
    if (error && ABSENT.includes(error.code)) return null;
    throw new Refusal("lookup_failed");
  }
}

/*
 * A message of this chat by its bare id, whatever name the chat goes by; null when WhatsApp has none. Throws
 * "lookup_failed" when that cannot be told.
 */
async function find(chat, id, mine) {
  const sides = mine === undefined ? [true, false] : [mine];
  let both = bothNames(chat);
  if (both.phone && !both.lid && !openChat(both)) {
    await exists(both.phone); // it may have a chat under a name that the page learns by this
    both = bothNames(chat);
  }
  const open = openChat(both);
  const remotes = [...new Set([...(open ? [text(open.id)] : []), ...names(both)])];
  const here = stored(remotes, sides, id);
  if (here) return here;
  for (const key of open ? keysOf(remotes, sides, id) : []) {
    const found = await fetched(key, id);
    if (found) return found;
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
/* What wa-js calls a file that did not reach WhatsApp; nothing was said about the message then. */
const UPLOAD = /\bERROR_UPLOAD\b/;
const told = (value) => known(() => JSON.stringify(value)) || String(value);
const KINDS = { image: "image", video: "video", document: "document", audio: "audio", voice: "audio", sticker: "sticker" };

async function options(chat, id, quoted, target) {
  const made = await W().chat.generateMessageID(chat);
  const messageId = new (W().whatsapp.MsgKey)({
    fromMe: true, remote: made.remote, id, participant: made.participant,
  });
  // an answer that cannot show what it answers is better than none
  const original = quoted ? await find(target, quoted).catch(() => null) : null;
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
async function settle(args, chat, handed) {
  const remotes = [...new Set([text(chat.id), ...names(args.chat)])];
  const start = Date.now();
  const begun = start + (args.media ? 30000 : 10000);
  let until = 0;
  for (;;) {
    const msg = stored(remotes, [true], args.id);
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
  return { ...receipt(msg), limited: LIMIT.test(words), upload: UPLOAD.test(words) };
}

const calls = {
  status() {
    const ready = Boolean(known(() => W().isReady));
    const authenticated = ready ? known(() => Boolean(W().conn.isAuthenticated())) : false;
    const stream = (ready && known(() => W().conn.getStreamData())) || {};
    const me = authenticated ? ownNumber() : "";
    return {
      epoch, ready, full: Boolean(known(() => W().isFullReady)), authenticated,
      mode: String(stream.mode || ""), info: String(stream.info || ""), me,
      name: String((me && known(() => W().profile.getMyProfileName())) || ""),
      link: page.link, linkLeft: Math.max(0, page.linkEnds - Date.now()) / 1000, linkError: page.linkError,
      online: known(() => W().conn.isOnline()) !== false, idle: page.idle, left: page.left, logout: page.logout,
      update: page.update, last: number,
    };
  },
  /* The code on show; "" when none is. Whatever becomes of asking for a fresh one, the one that is there counts. */
  async qr({ refresh }) {
    const fresh = refresh ? await within(5000, () => W().conn.refreshQR()).catch(() => null) : null;
    if (refresh) page.idle = false;
    const now = fresh || (await within(3000, () => W().conn.getAuthCode()));
    return now ? now.fullCode : "";
  },
  async link({ phone }) {
    page.linkError = "";
    const code = await W().conn.startLinkDeviceCodeForPhoneNumber(phone, true);
    if (code) { page.link = String(code); page.linkEnds = Date.now() + 160000; }
    return page.link;
  },
  missing: ({ paths }) => paths.filter((path) => !known(() => has(path))),
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
    const before = args.fresh ? null : await find(args.chat, args.id, true);
    if (before) return { ...receipt(before), known: true };
    const chat = await chatOf(args.chat);
    const opts = await options(chat, args.id, args.quoted, args.chat);
    const handed = { over: false, result: null, error: null };
    handOver(chat, args, opts)
      .then((done) => { handed.result = done && done.sendMsgResult; }, (problem) => { handed.error = problem; })
      .finally(() => { handed.over = true; });
    return settle(args, chat, handed);
  },
  exists: ({ phone }) => exists(phone),
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
    const url = await within(10000, () => W().contact.getProfilePictureUrl(widOf(chat), false));
    if (!url) return null;
    const answer = await fetch(url);
    if (!answer.ok) throw new Refusal("picture_failed");
    const blob = await answer.blob();
    const handle = crypto.randomUUID();
    blobs.set(handle, blob);
    return { handle, size: blob.size, mime: blob.type };
  },
  /* People's chats in which something was written since then, latest first. `left`: how many more there are. */
  async recent({ since, chats }) {
    const named = (await W().chat.list({ onlyUsers: true })).map((chat) => (
      { name: text(chat.id), t: Number(known(() => chat.t)) || Infinity }
    ));
    const active = named.filter(({ name, t }) => !skipped(name) && t >= since).sort((one, other) => other.t - one.t);
    return { chats: active.slice(0, chats).map(({ name }) => name), left: Math.max(0, active.length - chats) };
  },
  /*
   * Messages of one chat since then, oldest first. broken: how many of them cannot be read. cut: there were more than
   * `count`.
   */
  async history({ chat, since, count }) {
    const open = W().chat.get(chat);
    if (!open) throw new Refusal("chat_not_found");
    const old = await within(10000, () => W().chat.getMessages(chat, { count, direction: "before" }));
    const found = new Map([...old, ...open.msgs.getModelsArray()].map((one) => [text(one.id), one]));
    const late = [...found.values()].filter((msg) => !(msg.t < since));
    const read = await Promise.all(late.map((msg) => within(5000, () => message(msg)).catch(() => null)));
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
    setTimeout(() => known(() => W().conn.logout()), 0);
    return true;
  },
};

window.__whatsflow = {
  epoch,
  async call(name, args) {
    try {
      return pack({ ok: true, value: (await calls[name](args || {})) ?? null });
    } catch (error) {
      return pack({ ok: false, code: String((error && error.code) || "failed"), kind: String((error && error.name) || "") });
    }
  },
};

window.addEventListener("pagehide", carry);
takeUp();
listen();
nudge();
