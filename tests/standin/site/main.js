/* The life of the page: log in or show a QR code, synchronise, be there, be logged out. */
"use strict";

const Login = {
  show(text) {
    document.getElementById("state").textContent = text;
  },

  enter({ me }) {
    Me.pn = WidFactory.createWid(me.pn);
    Me.lid = WidFactory.createWid(me.lid);
    Me.name = me.name;
    Pairs.learn(me.pn, me.lid);
    Inbox.contact({ wid: me.pn, pushname: me.name });
    Conn.set({ wid: Me.pn, pushname: me.name });
  },

  async synchronise() {
    Socket.set({ state: "CONNECTED", stream: "SYNCING" });
    Stream.set({ mode: "SYNCING", info: "SYNCING" });
    Login.show("Loading your chats");
    const world = await Wire.call("sync");
    Migration.done = world.migrated;
    Inbox.learn(world);
    await Inbox.messages(world);
    Conn.set({ connected: true, ref: null });
    Socket.set({ stream: "CONNECTED" });
    Stream.set({ mode: "MAIN", info: "NORMAL" });
    Login.show("Connected");
    Cmd.isMainLoaded = true;
    Cmd.trigger("main_loaded");
    await Wire.call("synced");
  },

  async paired(event) {
    Socket.set({ state: "PAIRING" });
    await Vault.save({ token: event.token });
    Login.enter(event);
    await Login.synchronise();
  },

  /* As on the real page: tell, forget, and start anew with a QR code. */
  async end(reason) {
    LogoutReasons.getErrorCodeFromLogoutReason(reason);
    Me.pn = null;
    Me.lid = null;
    Cmd.trigger("logout", reason);
    await Vault.clear();
    location.reload();
  },

  reference({ ref }) {
    Conn.ref = ref;
    Socket.state = ref ? "UNPAIRED" : "UNPAIRED_IDLE";
    Stream.set({ mode: "QR", info: "PAIRING" });
    Login.show(ref ? "Scan the QR code" : "Click to reload the QR code");
    const parts = [ref, ...[Keys.noise, Keys.identity].map(Base64.encodeB64), Base64.encodeB64(Keys.adv)];
    return Wire.call("qr", { qr: ref ? parts.join(",") : "" });
  },
};

const EVENTS = {
  ref: Login.reference,
  paired: Login.paired,
  logout: ({ reason }) => Login.end(reason),
  messages: Inbox.messages,
  people: Inbox.learn,
  receipt: Inbox.receipt,
  revoked: Inbox.revoked,
  edited: Inbox.edited,
  reacted: Inbox.reacted,
  typing: Inbox.typing,
  migrated: (event) => {
    Inbox.learn(event);
    Migration.done = true;
  },
  mode({ mode, info }) {
    Stream.set({ mode, info: info || Stream.info });
    if (mode === "CONFLICT") Socket.state = "CONFLICT";
  },
  online({ online }) {
    Stream.set({ info: online ? "NORMAL" : "OFFLINE" });
    NetworkStatus.online = online;
  },
  needs_update: () => Stream.set({ needsUpdate: true }),
  link_code_refresh: () => LinkDeviceEvents.triggerRefreshAltLinkingCode(),
};

async function start() {
  window.Debug = { VERSION };
  const kept = await Vault.load();
  const answer = await Wire.call("hello", { token: kept ? kept.token : "", webdriver: navigator.webdriver === true });
  Wire.page = answer.page;
  if (answer.refused) {
    await Login.end(answer.refused);
    return;
  }
  if (answer.me) Login.enter(answer);
  Wire.listen(EVENTS);
  if (answer.me) await Login.synchronise();
}

start().catch((error) => console.error("stand-in", error));
