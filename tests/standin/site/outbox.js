/* What goes out: messages, files, read marks, "is typing". */
"use strict";

const Outbox = {
  plain(message) {
    const { type, body, caption, quotedStanzaID, mimetype, filename } = message;
    return {
      id: message.id.id, chat: String(message.id.remote), type, body: body || "", caption: caption || "",
      quoted: quotedStanzaID || "", mime: mimetype || "", name: filename || "", media: message.media || "",
    };
  },

  /* In the chat at once, at clock; then over the wire. */
  add(chat, attributes) {
    const message = new MsgModel({ ...attributes, ack: ACK.CLOCK });
    chat.msgs.add(message);
    MsgStore.add(message);
    chat.set({ t: message.t, lastReceivedKey: message.id });
    return message;
  },

  async transmit(message) {
    if (!NetworkStatus.online) await new Promise((resolve) => NetworkStatus.once("change:online", resolve));
    const answer = await Wire.call("send", Outbox.plain(message));
    if (answer.hang) return new Promise(() => {});
    if (answer.error) {
      message.ack = ACK.FAILED;
      return { messageSendResult: answer.error, errorCode: answer.code, t: null };
    }
    if (message.ack < ACK.SENT) message.ack = ACK.SENT;
    return { messageSendResult: "OK", t: answer.t };
  },
};

define("WAWebSendMsgChatAction", {
  addAndSendMsgToChat(chat, attributes) {
    const message = Outbox.add(chat, attributes);
    return [Promise.resolve(message), Outbox.transmit(message)];
  },
});
define("WAWebFindChatAction", {
  async findOrCreateLatestChat(wid) {
    const { chat } = await Wire.call("find_chat", { wid: String(wid) });
    if (!chat) throw new Error(`findOrCreateLatestChat: No LID for user ${wid.server}`);
    return { chat: Inbox.chat(WidFactory.createWid(chat)), created: false };
  },
});
define("WAWebGetEphemeralFieldsMsgActionsUtils", { getEphemeralFields: () => ({}) });
define("WATimeUtils", { unixTime: () => Math.floor(Date.now() / 1000), unixTimeMs: () => Date.now() });
define("WAWebMsgReply", { canReplyMsg: (message) => Boolean(message) });
define("WAWebQueryExistsJob", {
  async queryWidExists(wid) {
    const answer = await Wire.call("exists", { wid: String(wid) });
    if (answer.fault === "refused") throw new Error("ServerStatusCodeError: 429");
    if (answer.fault === "hang") await new Promise(() => {});
    if (answer.fault) return answer.fault === "status" ? { status: 429 } : undefined;
    Inbox.learn(answer);
    return answer.wid ? { wid: WidFactory.createWid(answer.wid), biz: false } : null;
  },
  queryPhoneExists: async () => null,
});
define("WAWebUpdateUnreadChatAction", {
  async sendSeen({ chat }) {
    const ids = chat.msgs.filter((message) => !message.id.fromMe).map((message) => message.id.id);
    chat.set({ unreadCount: 0 });
    await Wire.call("seen", { ids });
  },
  markUnread: async () => undefined,
});
const showState = (state) => (chat) => Wire.call("composing", { chat: String(chat.id), state });
define("WAWebChatStateBridge", {
  markComposing: showState("composing"),
  markPaused: showState("paused"),
  markRecording: showState("recording"),
});

/* A file on its way: made ready, uploaded, then sent like any message. */
class OpaqueData {
  constructor(blob) {
    this.blob = blob;
  }

  static async createFromData(blob) {
    return new OpaqueData(blob);
  }

  throwIfReleased() {}

  forceToBlob() {
    return this.blob;
  }
}
define("WAWebMiscOpaqueData", { default: OpaqueData });
define("WAWebMediaGatingUtils", { getUploadLimit: () => 100 * 1024 * 1024 });

function typeOfFile(mime, { asDocument, asSticker, isPtt }) {
  if (asDocument) return "document";
  if (asSticker) return "sticker";
  if (isPtt) return "ptt";
  const kind = mime.split("/")[0];
  return ["image", "video", "audio"].includes(kind) ? kind : "document";
}

class PreparedMedia {
  constructor(opaque, options) {
    this.blob = opaque.blob;
    const type = typeOfFile(this.blob.type, options);
    this._mediaData = new MediaData({ mimetype: this.blob.type, size: this.blob.size, type });
  }

  async waitForPrep() {
    const { hang } = await Wire.call("prepare");
    if (hang) await new Promise(() => {});
    this._mediaData.set({ mediaStage: "PREPARED" });
  }

  async sendToChat({ chat, options }) {
    const { type, mimetype, size } = this._mediaData;
    const { caption, productMsgOptions } = options;
    await new Promise((resolve) => setTimeout(resolve)); // as on the real page: it is in the chat a moment later
    const attributes = { ...productMsgOptions, type, mimetype, size, mediaData: this._mediaData };
    const message = Outbox.add(chat, { ...attributes, caption, isNewMsg: true, mediaObject: { type: type.toUpperCase() } });
    message.set({ media: await Wire.upload(this.blob) }, { silent: true });
    return Outbox.transmit(message);
  }
}
define("WAWebPrepRawMedia", {
  MediaPrep: PreparedMedia,
  uploadProductImage: () => undefined,
  prepRawMedia: (opaque, options = {}) => new PreparedMedia(opaque, options),
});
