/* What comes from the server becomes models here. */
"use strict";

const Inbox = {
  /* The message as models want it, from the plain form that the server sends. */
  attributes(plain) {
    const remote = WidFactory.createWid(plain.chat);
    const me = remote.isLid() ? Me.lid : Me.pn;
    const id = new MsgKey({ fromMe: plain.fromMe, remote, id: plain.id, selfDir: plain.fromMe ? "out" : "in" });
    const known = { ...plain.fields, id, type: plain.type, body: plain.body, t: plain.t, ack: plain.ack };
    Object.assign(known, { from: plain.fromMe ? me : remote, to: plain.fromMe ? remote : me });
    Object.assign(known, { self: plain.fromMe ? "out" : "in", notifyName: plain.notifyName, isNewMsg: plain.isNew });
    if (plain.caption) known.caption = plain.caption;
    if (plain.quoted) Object.assign(known, { quotedStanzaID: plain.quoted, quotedParticipant: remote });
    if (plain.media) Object.assign(known, Inbox.media(plain));
    return known;
  },

  media({ media, type }) {
    const mediaData = new MediaData({ filehash: media.hash, mimetype: media.mime, size: media.size, type });
    return {
      media: media.id,
      mimetype: media.mime,
      size: media.size,
      filename: media.name || undefined,
      filehash: media.hash,
      mediaData,
      mediaObject: { type: type.toUpperCase() },
    };
  },

  /* One message into the stores; the second time (encrypted first) it fills the one that is there. */
  take(attributes) {
    if (attributes.type === "protocol") return Inbox.revoke(attributes);
    const chat = Inbox.chat(attributes.id.remote);
    const known = MsgStore.get(attributes.id);
    if (known) return Inbox.fill(known, attributes);
    const message = new MsgModel(attributes);
    chat.msgs.add(message);
    MsgStore.add(message);
    chat.set({ t: message.t, lastReceivedKey: message.id });
    if (!message.id.fromMe && message.isNewMsg) chat.set({ unreadCount: chat.unreadCount + 1 });
    return message;
  },

  fill(message, { type, ...rest }) {
    message.set(rest, { silent: true });
    return message.set({ type });
  },

  revoke({ protocolMessageKey }) {
    return MsgStore.get(protocolMessageKey)?.set({ body: "", type: "revoked" });
  },

  chat(wid) {
    return ChatStore.get(wid) || ChatStore.add({ id: wid })[0];
  },

  contact({ wid, pushname, name }) {
    ContactStore.add({ id: WidFactory.createWid(wid), pushname, name: name || undefined }, { merge: true });
  },

  learn({ people = [] }) {
    for (const person of people) {
      if (person.pn && person.lid) Pairs.learn(person.pn, person.lid);
      Inbox.contact(person);
    }
  },

  async messages({ messages }) {
    for (const plain of messages) {
      const attributes = Inbox.attributes(plain);
      await MsgStore.processMultipleMessages(attributes.id.remote, [attributes]);
    }
  },

  revoked({ chat, id, fromMe }) {
    const remote = WidFactory.createWid(chat);
    const target = new MsgKey({ fromMe, remote, id });
    const notice = {
      id: new MsgKey({ fromMe, remote, id: `${id}R` }),
      type: "protocol",
      subtype: "sender_revoke",
      protocolMessageKey: target,
      from: remote,
      to: Me.pn,
      author: remote,
      isNewMsg: true,
    };
    return MsgStore.processMultipleMessages(remote, [notice]);
  },

  edited({ chat, id, fromMe, body, change }) {
    const remote = WidFactory.createWid(chat);
    const message = MsgStore.get(new MsgKey({ fromMe, remote, id }));
    message?.set({ body, ...change, latestEditMsgKey: new MsgKey({ fromMe, remote, id: change.latestEditMsgKey }) });
  },

  reacted({ chat, id, fromMe, text, t }) {
    const remote = WidFactory.createWid(chat);
    const reaction = {
      msgKey: String(new MsgKey({ fromMe: false, remote, id: `${id}R${t}` })),
      parentMsgKey: String(new MsgKey({ fromMe, remote, id })),
      reactionText: text,
      senderUserJid: String(remote),
      from: String(remote),
      read: false,
      orphan: 0,
      t,
    };
    return Reactions.addOrUpdateReactionsModelCollection(reaction, true);
  },

  typing({ chat, state }) {
    PresenceStore.of(WidFactory.createWid(chat)).chatstate.type = state;
  },
};

const Reactions = define("WAWebAddReactionsAction", { addOrUpdateReactionsModelCollection: () => undefined });

/* Receipts reach the page through these functions, which wa-js wraps. */
const Receipts = define("WAWebHandleMsgSimpleReceipt", {
  async handleChatSimpleReceipt({ ack, from, externalIds }) {
    for (const id of externalIds) {
      const message = MsgStore.get(new MsgKey({ fromMe: true, remote: from, id }));
      if (message && message.ack < ack) message.ack = ack;
    }
  },
  handleGroupSimpleReceipt: async () => undefined,
  handleStatusSimpleReceipt: async () => undefined,
});

const RECEIPT = { 2: "delivery", 3: "read", 4: "played" };
Inbox.receipt = ({ chat, ids, level, t }) => {
  const from = WidFactory.createWid(chat);
  const receipt = { ack: level, ackString: RECEIPT[level], from, externalIds: ids, participant: null };
  return Receipts.handleChatSimpleReceipt({ ...receipt, recipient: null, ts: t });
};

define("WAWebQuotedMsgModelUtils", {
  getQuotedMsgObj(message) {
    const remote = message.id.remote;
    const find = (fromMe) => MsgStore.get(new MsgKey({ fromMe, remote, id: message.quotedStanzaID }));
    return find(true) || find(false);
  },
});
define("WAWebChatMessageSearch", {
  getSearchContext({ chat }) {
    const search = Wire.call("search").then(({ refused }) => {
      if (refused) throw new Error("UnknownError: the search failed");
    });
    return { collection: { loadAroundPromise: search, get: (key) => chat.msgs.get(key) } };
  },
});

/* History of a chat around a message, as the real page reads it from its database. */
async function historyOf({ anchor, count = 20, direction = "before" }) {
  const { fault } = await Wire.call("read_chat", { chat: String(anchor.remote) });
  if (fault === "hang") await new Promise(() => {});
  if (fault) throw new Error("UnknownError: the chat cannot be read");
  const all = Inbox.chat(anchor.remote).msgs.getModelsArray();
  const at = all.findIndex((message) => message.id.equals(anchor));
  const found = direction === "after" ? all.slice(at + 1) : all.slice(0, at);
  return { messages: direction === "after" ? found.slice(0, count) : found.slice(-count) };
}
define("WAWebDBMessageFindLocal", {
  msgFindByDirection: historyOf,
  msgFindBefore: (query) => historyOf({ ...query, direction: "before" }),
  msgFindAfter: (query) => historyOf({ ...query, direction: "after" }),
});
