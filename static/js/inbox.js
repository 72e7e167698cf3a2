/* The inbox: list, chat and contact card on one page, kept true by the live socket. Works as plain pages without this. */

import { Chat } from "./inbox-chat.js";
import { Composer } from "./inbox-composer.js";
import { bindKeys } from "./inbox-keys.js";
import { List } from "./inbox-list.js";
import { ask, elements } from "./inbox-net.js";
import { refresh } from "./times.js";

const REFRESH_PAUSE = 500; // ms in which large changes are gathered
const WIDE = matchMedia("(min-width: 1200px)");

class Inbox {
  constructor(root) {
    this.root = root;
    this.main = root.querySelector("#inbox-main");
    this.list = new List(root, (url) => this.open(url));
    this.take();
    this.restoreCard();
    this.listen();
    this.listenLive();
    bindKeys(this);
  }

  listen() {
    document.addEventListener("submit", (event) => {
      if (!event.target.matches("form[data-action]") || !this.root.contains(event.target)) return;
      event.preventDefault();
      event.stopPropagation();
      this.act(event.target, event.submitter);
    }, true);
    this.main.addEventListener("click", (event) => this.clicked(event));
    window.addEventListener("popstate", () => this.show(location.href, { push: false }));
  }

  listenLive() {
    const on = (type, act) => document.addEventListener(`live:${type}`, (event) => act(event.detail));
    on("message", (frame) => this.onMessage(frame));
    on("status", (frame) => {
      this.list.tick(frame.message, frame.status, frame.html);
      if (frame.conversation === this.chat?.id) this.chat.status(frame);
    });
    on("conversation", (frame) => this.onConversation(frame));
    on("typing", (frame) => {
      this.list.typing(frame.conversation, frame.active);
      if (frame.conversation === this.chat?.id) this.chat.typing(frame.active);
    });
    on("connection", (frame) => {
      if (frame.connection === this.head?.dataset.connection) this.reloadPart("header");
    });
    on("refresh", (frame) => this.refreshSoon(frame.conversations));
    // What came between the page's rendering and the opening of the socket was told to nobody here.
    on("connected", () => {
      this.list.refetch();
      if (this.chat?.complete) this.chat.refetch({ replace: false });
    });
    on("reconnected", () => this.refetch());
  }

  /* Much has happened at once: fetch it, once a while however many such frames come. */
  refreshSoon(conversations) {
    this.stale ??= new Set();
    for (const id of conversations) this.stale.add(id);
    this.refreshTimer ??= setTimeout(() => {
      const { stale } = this;
      this.stale = this.refreshTimer = undefined;
      this.list.refetch();
      if (stale.has(this.chat?.id)) this.catchUp(this.chat);
    }, REFRESH_PAUSE);
  }

  /* Some of what came may be unread: whoever looks at the end of the chat reads it. */
  async catchUp(chat) {
    this.reloadPart("header");
    if (!chat.complete) return; // the newest are fetched when they are asked for
    await chat.refetch({ replace: chat.stick });
    chat.unread ||= 1;
    chat.read();
  }

  refetch() {
    this.list.refetch();
    this.chat?.refetch();
    if (this.chat) this.reloadPart("header");
  }

  get head() {
    return this.main.querySelector("#chat-head");
  }

  // -- which conversation ------------------------------------------------------------------------------------------------

  async open(url) {
    const address = new URL(url, location.href);
    const same = this.chat && address.pathname === new URL(this.chat.url, location.href).pathname;
    if (same && !address.searchParams.has("at") && this.chat.complete) {
      this.view("chat");
      this.composer?.focus();
      return;
    }
    await this.show(address.href, { push: true });
  }

  /* Load a conversation beside the list. The newest request wins. */
  async show(href, { push }) {
    const address = new URL(href);
    if (address.pathname === this.root.dataset.url) {
      this.leave();
      return;
    }
    this.request?.abort();
    this.request = new AbortController();
    this.main.setAttribute("aria-busy", "true");
    try {
      const html = await ask(address.pathname + address.search, { signal: this.request.signal });
      this.drop();
      this.main.replaceChildren(elements(html));
      globalThis.htmx?.process(this.main);
      if (push) history.pushState({}, "", address.pathname + address.search);
      this.take(address.pathname);
      this.view("chat");
      this.composer?.focus();
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    this.main.removeAttribute("aria-busy");
  }

  /* Take over the conversation that is in the page. */
  take(path = location.pathname) {
    const root = this.main.querySelector("#chat");
    refresh(this.main);
    if (!root) return;
    this.chat = new Chat(root, document.documentElement.dataset.timeZone);
    this.chat.url = path;
    this.composer = new Composer(this.chat);
    this.list.mark(this.chat.id, root.dataset.at || "");
  }

  drop() {
    this.composer?.end();
    this.chat?.end();
    this.chat = this.composer = null;
  }

  /* Back to the list: on a phone the list shows, on a wide screen the chat stays. */
  leave() {
    this.view("list");
    if (location.pathname !== this.root.dataset.url) history.pushState({}, "", this.list.url);
    this.list.rows.querySelector('a[aria-current="true"]')?.focus({ preventScroll: true });
  }

  step(by) {
    const url = this.list.neighbour(by);
    if (url) this.open(url);
  }

  // -- what is on screen ---------------------------------------------------------------------------------------------------

  view(name) {
    this.root.dataset.view = name;
  }

  restoreCard() {
    if (localStorage.getItem("whatsflow.card") === "closed") this.root.classList.add("is-card-closed");
  }

  toggleCard(show) {
    if (WIDE.matches) {
      const closed = show === undefined ? !this.root.classList.contains("is-card-closed") : !show;
      this.root.classList.toggle("is-card-closed", closed);
      localStorage.setItem("whatsflow.card", closed ? "closed" : "open");
      return;
    }
    const open = show ?? this.root.dataset.view !== "card";
    this.view(open ? "card" : "chat");
    if (open) this.main.querySelector("[data-hide-card]")?.focus();
  }

  clicked(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const found = (selector) => event.target.closest(selector);
    const link = found("a[data-open], a[data-jump]");
    const act = found("[data-back]")
      ? () => this.leave()
      : found("[data-show-card]")
        ? () => this.toggleCard()
        : found("[data-hide-card]")
          ? () => this.toggleCard(false)
          : found("[data-picture]")
            ? () => this.picture(found("[data-picture]"))
            : link
              ? () => this.open(link.href)
              : null;
    if (!act) return;
    event.preventDefault();
    act();
  }

  picture(link) {
    const dialog = document.getElementById("picture-dialog");
    const image = dialog.querySelector("img");
    image.src = link.href;
    image.alt = link.querySelector("img").alt;
    dialog.querySelector("[download]").href = `${link.href}?download`;
    dialog.showModal();
  }

  // -- what people do --------------------------------------------------------------------------------------------------------

  /* A small form (assign, close, retry, cancel, rename): what comes back replaces what has the same id. */
  async act(form, submitter) {
    if (form.dataset.busy) return;
    form.dataset.busy = "true";
    try {
      this.replace(await ask(form.action, { form: new FormData(form, submitter) }));
    } catch {
      /* the toast has said why */
    }
    delete form.dataset.busy;
  }

  replace(html) {
    const fresh = elements(html);
    for (const element of [...fresh.children]) {
      if (element.matches(".message")) this.chat?.receive(element.outerHTML);
      else document.getElementById(element.id)?.replaceWith(element);
    }
    globalThis.htmx?.process(this.main);
    refresh(this.main);
  }

  toggleState() {
    this.main.querySelector("form[data-state-form]")?.requestSubmit(this.main.querySelector("form[data-state-form] button"));
  }

  async reloadPart(part) {
    const { chat } = this;
    try {
      const html = await ask(`${chat.url}?part=${part}`, { quiet: true, signal: chat.ended.signal });
      if (chat === this.chat) this.replace(html);
    } catch {
      /* the next change or reconnection tries again */
    }
  }

  // -- what happens ------------------------------------------------------------------------------------------------------------

  onMessage(frame) {
    this.list.update(frame.row);
    if (frame.direction === "inbound") this.list.typing(frame.conversation, false);
    if (frame.conversation === this.chat?.id) this.chat.receive(frame.html, { unread: frame.fresh });
  }

  onConversation(frame) {
    this.list.update(frame.row);
    const { head } = this;
    if (frame.conversation !== this.chat?.id || !head) return;
    if (!frame.unread) this.chat.unread = 0;
    if (frame.state !== head.dataset.state || frame.assigned !== head.dataset.assigned || frame.name !== head.dataset.name) {
      this.reloadPart("header");
    }
  }
}

const root = document.getElementById("inbox");
if (root) new Inbox(root);
