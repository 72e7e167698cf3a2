/* Who is who: ids of people and of messages, and the own number. */
"use strict";

class Wid {
  constructor(user, server) {
    this.user = user;
    this.server = server;
    this._serialized = `${user}@${server}`;
  }

  static isWid(value) {
    return value instanceof Wid;
  }

  static isXWid(server, value) {
    return String(value).endsWith(`@${server}`);
  }

  isUser() {
    return this.server === "c.us" || this.server === "lid";
  }

  isRegularUser() {
    return this.isUser();
  }

  isLid() {
    return this.server === "lid";
  }

  isGroup() {
    return this.server === "g.us";
  }

  isBroadcast() {
    return this.server === "broadcast";
  }

  isNewsletter() {
    return this.server === "newsletter";
  }

  isStatusV3() {
    return this._serialized === "status@broadcast";
  }

  isPSA() {
    return this._serialized === "0@c.us";
  }

  isBot() {
    return this.server === "bot";
  }

  equals(other) {
    return Boolean(other) && String(other._serialized ?? other) === this._serialized;
  }

  toJid() {
    return this._serialized.replace("@c.us", "@s.whatsapp.net");
  }

  toString() {
    return this._serialized;
  }

  toJSON() {
    return { server: this.server, user: this.user, _serialized: this._serialized };
  }
}
define("WAWebWid", { default: Wid });

const WidFactory = {
  createWid(value, server = "c.us") {
    if (value instanceof Wid) return value;
    const [user, given] = String(value._serialized ?? value).split("@");
    const known = given === "s.whatsapp.net" ? "c.us" : given;
    if (!/^[\w.:-]+$/.test(user)) throw new Error(`wid error: invalid wid ${value}`);
    return new Wid(user.split(":")[0], known || server);
  },
  createUserWidOrThrow: (value, server = "c.us") => WidFactory.createWid(value, server),
  isWidlike: (value) => value instanceof Wid || Boolean(value && value.user && value.server),
  createWidFromWidLike: (value) => WidFactory.createWid(value._serialized ?? `${value.user}@${value.server}`),
  toUserWid: (value) => WidFactory.createWid(value),
  asUserWidOrThrow: (value) => WidFactory.createWid(value),
};
define("WAWebWidFactory", WidFactory);

/* The linked number, once there is one. */
const Me = { pn: null, lid: null, name: "" };
define("WAWebUserPrefsMeUser", {
  getMaybeMePnUser: () => Me.pn,
  getMaybeMeUser: () => Me.pn,
  getMaybeMeLidUser: () => Me.lid,
  getMePnUserOrThrow: () => Me.pn,
  getMeLidUserOrThrow() {
    if (!Me.lid) throw new Error("me lid is not set");
    return Me.lid;
  },
});
define("WAWebPushnamePref", {
  getPushname: () => Me.name,
  setBrowserId: () => undefined,
  getUserPrivacySettings: () => ({}),
});

function randomHex(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

class MsgKey {
  constructor(parts) {
    if (!parts) throw new Error("MsgKey error: obj is null/undefined");
    const from = parts.from && WidFactory.createWid(parts.from);
    const to = parts.to && WidFactory.createWid(parts.to);
    this.fromMe = parts.fromMe ?? (parts.selfDir === "out" || Boolean(from && (from.equals(Me.pn) || from.equals(Me.lid))));
    this.remote = parts.remote ? WidFactory.createWid(parts.remote) : this.fromMe ? to : from;
    this.id = parts.id;
    if (parts.participant) this.participant = WidFactory.createWid(parts.participant);
    if (parts.selfDir) this.self = parts.selfDir;
    const end = this.participant ? `_${this.participant}` : "";
    this._serialized = `${this.fromMe}_${this.remote}_${this.id}${end}`;
  }

  static async newId() {
    return `3EB0${randomHex(9)}`;
  }

  static from(value) {
    return value instanceof MsgKey ? value : new MsgKey(value);
  }

  static fromString(text) {
    const [fromMe, remote, id, participant] = String(text).split("_");
    if (!remote || !id) throw new Error(`MsgKey error: invalid string ${text}`);
    return new MsgKey({ fromMe: fromMe === "true", remote, id, participant });
  }

  equals(other) {
    return Boolean(other) && String(other) === this._serialized;
  }

  clone() {
    return new MsgKey(this);
  }

  toString() {
    return this._serialized;
  }
}
define("WAWebMsgKey", { default: MsgKey });

/* LID <-> phone, as far as WhatsApp has told. */
const Pairs = (() => {
  const lidOf = new Map();
  const phoneOf = new Map();
  return {
    learn(pn, lid) {
      lidOf.set(pn, lid);
      phoneOf.set(lid, pn);
    },
    getCurrentLid: (wid) => (lidOf.has(String(wid)) ? WidFactory.createWid(lidOf.get(String(wid))) : null),
    getPhoneNumber: (wid) => (phoneOf.has(String(wid)) ? WidFactory.createWid(phoneOf.get(String(wid))) : null),
  };
})();
define("WAWebApiContact", { getCurrentLid: Pairs.getCurrentLid, getPhoneNumber: Pairs.getPhoneNumber });
define("WAWebLidPnCache", {
  lidPnCache: { getCurrentLid: Pairs.getCurrentLid, getPhoneNumber: Pairs.getPhoneNumber },
});

const Migration = { done: false };
define("WAWebLid1X1MigrationGating", {
  Lid1X1MigrationUtils: { isLidMigrated: () => Migration.done },
});
