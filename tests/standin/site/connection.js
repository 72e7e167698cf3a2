/* The connection as the page shows it: QR code, stream, socket, commands, and what their values are called. */
"use strict";

const ACK = {
  MD_DOWNGRADE: -7, INACTIVE: -6, CONTENT_UNUPLOADABLE: -5, CONTENT_TOO_BIG: -4, CONTENT_GONE: -3, EXPIRED: -2,
  FAILED: -1, CLOCK: 0, SENT: 1, RECEIVED: 2, READ: 3, PLAYED: 4, PEER: 5,
};
define("WAWebAck", {
  ACK,
  ACK_STRING: {
    SENDER: "sender", DELIVERY: "delivery", READ: "read", PLAYED: "played", INACTIVE: "inactive",
    READ_SELF: "read-self", PLAYED_SELF: "played-self",
  },
  EDIT_ATTR: { SENDER_REVOKE: 7, ADMIN_REVOKE: 8 },
});
define("WAWebSendMsgResultAction", {
  SendMsgResult: {
    OK: "OK", ERROR_NETWORK: "ERROR_NETWORK", ERROR_EXPIRED: "ERROR_EXPIRED", ERROR_CANCELLED: "ERROR_CANCELLED",
    ERROR_UPLOAD: "ERROR_UPLOAD", ERROR_UNKNOWN: "ERROR_UNKNOWN",
  },
});
define("WAWebSocketConstants", {
  SOCKET_STATE: {
    OPENING: "OPENING", PAIRING: "PAIRING", UNPAIRED: "UNPAIRED", UNPAIRED_IDLE: "UNPAIRED_IDLE",
    CONNECTED: "CONNECTED", TIMEOUT: "TIMEOUT", CONFLICT: "CONFLICT", UNLAUNCHED: "UNLAUNCHED",
    PROXYBLOCK: "PROXYBLOCK", TOS_BLOCK: "TOS_BLOCK", SMB_TOS_BLOCK: "SMB_TOS_BLOCK",
    DEPRECATED_VERSION: "DEPRECATED_VERSION",
  },
  SOCKET_STREAM: {
    DISCONNECTED: "DISCONNECTED", SYNCING: "SYNCING", RESUMING: "RESUMING", CONNECTED: "CONNECTED",
  },
  WATCHED_SOCKET_STATE: { OPEN: "OPEN", CLOSED: "CLOSED" },
});
define("WAWebNonJidMention", { default: { MENTION_ALL: 1 } });
define("WAWebBuildConstants", { SANITIZED_VERSION_STR: VERSION, VERSION_STR: VERSION });
define("WAWebVersionFlags", { isOfficialClient: true });

class ConnImpl extends BaseModel {
  defaults() {
    return { ref: null, connected: false, platform: "android", pushname: "", wid: undefined };
  }
}
const Conn = new ConnImpl();
define("WAWebConnModel", { ConnImpl, Conn });

class StreamModel extends BaseModel {
  defaults() {
    return { mode: "SYNCING", info: "OPENING", needsUpdate: undefined, available: true };
  }

  markAvailable() {}

  markUnavailable() {}
}
const Stream = new StreamModel();
define("WAWebStreamModel", { Stream });

class SocketModel extends BaseModel {
  defaults() {
    return { state: "OPENING", stream: "DISCONNECTED" };
  }

  initConn() {}

  poke() {
    Wire.call("refresh_ref");
  }

  logout() {
    Wire.call("logout").then(() => Login.end("user_initiated"));
  }
}
const Socket = new SocketModel();
define("WAWebSocketModel", { Socket });

class CmdImpl extends Emitter {
  isMainLoaded = false;

  refreshQR() {
    Wire.call("refresh_ref");
  }

  logout() {
    Socket.logout();
  }
}
const Cmd = new CmdImpl();
define("WAWebCmd", { Cmd, CmdImpl });

class NetworkStatusModel extends BaseModel {
  defaults() {
    return { online: true };
  }

  checkOnline() {
    return this.online;
  }
}
const NetworkStatus = new NetworkStatusModel();
define("WAWebNetworkStatus", { default: NetworkStatus });

class Bus extends Emitter {}
const BackendEventBus = new Bus();
define("WAWebBackendEventBus", { BackendEventBus, BackendEvent: {} });

/* What the QR code is made of. Keys that only this browser has; the phone finds the page by the first part. */
const Keys = {
  noise: crypto.getRandomValues(new Uint8Array(32)),
  identity: crypto.getRandomValues(new Uint8Array(32)),
  adv: crypto.getRandomValues(new Uint8Array(32)),
};
const Base64 = define("WABase64", {
  encodeB64: (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))),
  decodeB64: (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
});
define("WAWebSignalStore", {
  waSignalStore: { getRegistrationInfo: async () => ({ identityKeyPair: { pubKey: Keys.identity } }) },
});
define("WAWebNoiseInfo", { waNoiseInfo: { get: async () => ({ staticKeyPair: { pubKey: Keys.noise } }) } });
define("WAWebUserPrefsMultiDevice", {
  getADVSecretKey: () => Base64.encodeB64(Keys.adv),
  setADVSignedIdentity: () => undefined,
});
define("WAWebIsLoggedIn", { isLoggedIn: () => Boolean(Me.pn) });
define("WAWebIsRegistered", { isRegistered: () => Boolean(Me.pn) });

/* Linking by a code that a person types on the phone. */
const LinkDeviceEvents = new Bus();
LinkDeviceEvents.triggerRefreshAltLinkingCode = () =>
  LinkDeviceEvents.trigger("link_device_events:refresh_alt_linking_code");
define("WAWebLinkDeviceEvents", { WAWebLinkDeviceEvents: LinkDeviceEvents });
define("WAWebAltDeviceLinkingApi", {
  initializeAltDeviceLinking: async () => undefined,
  genLinkDeviceCodeForPhoneNumber: async (phone) => (await Wire.call("link_code", { phone: String(phone) })).code,
});

const LogoutReasons = define("WAWebLogoutReasonConstants", {
  LogoutReason: {
    UserInitiated: "user_initiated", UnknownCompanion: "unknown_companion", AccountLocked: "account_locked",
    ClientVersionOutdated: "client_version_outdated", PrimaryIdentityKeyChange: "primary_identity_key_change",
    SyncdFailure: "syncd_failure", InvalidAdvStatus: "invalid_adv_status",
  },
  LOGOUT_REASON_CODE: { CLIENT_FATAL: "0", SYNC_FAIL: "1", INITIAL_HISTORY_SYNC_TIMEOUT: "2", ACCOUNT_LOCKED: "3" },
  getErrorCodeFromLogoutReason: (reason) => (reason === "account_locked" ? "3" : "0"),
  setPrevLogoutReasonCode: () => undefined,
  setPrevCustomLogoutMessage: () => undefined,
  getPrevLogoutReasonCode: () => null,
  getPrevCustomLogoutMessage: () => null,
});
