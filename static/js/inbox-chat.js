/* One open conversation: messages that come, go and change, the place in them, and what has been read. */

import { ask, elements } from "./inbox-net.js";
import { keepHigher, lowers } from "./ticks.js";
import { refresh, words } from "./times.js";

const NEAR_BOTTOM = 90; // pixels from the end that still count as being at the end
const TYPING_MS = 12000;
const READ_PAUSE = 250;

export class Chat {
  /* root: the #chat element. zone: the user's time zone. */
  constructor(root, zone) {
    this.root = root;
    this.id = root.dataset.conversation;
    this.scroll = root.querySelector("[data-chat-scroll]");
    this.messages = root.querySelector("#chat-messages");
    this.jumpButton = root.querySelector("[data-newest]");
    this.unread = Number(root.dataset.unread);
    this.complete = !root.dataset.newer; // the newest message is on the page
    this.missed = 0;
    this.days = new Intl.DateTimeFormat("en-CA", { timeZone: zone || undefined, dateStyle: "short" });
    this.stick = true;
    this.arrived = new Map(); // messages that came while the newest page is being loaded
    this.asking = 0;
    this.ended = new AbortController();
    this.listen();
    this.arrange();
    this.start();
  }

  end() {
    this.ended.abort();
    this.sizes.disconnect();
    this.edges.disconnect();
    clearTimeout(this.typingTimer);
    clearTimeout(this.readTimer);
  }

  listen() {
    const { signal } = this.ended;
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true, signal });
    this.jumpButton.addEventListener("click", () => this.toNewest(), { signal });
    this.messages.addEventListener("click", (event) => this.clicked(event), { signal });
    document.addEventListener("visibilitychange", () => this.read(), { signal });
    window.addEventListener("focus", () => this.read(), { signal });
    this.sizes = new ResizeObserver(() => this.stick && this.toBottom());
    this.sizes.observe(this.scroll);
    this.sizes.observe(this.messages);
    this.edges = new IntersectionObserver(
      (entries) => entries.forEach((entry) => entry.isIntersecting && this.extend(entry.target)),
      { root: this.scroll, rootMargin: "500px 0px" },
    );
  }

  /* Where reading begins: the message that was searched for, the first unread one, or the end. */
  start() {
    const wanted = this.root.dataset.at && document.getElementById(`message-${this.root.dataset.at}`);
    const line = this.messages.querySelector(".chat-new");
    this.stick = !wanted && !line;
    if (wanted) this.show(wanted, "auto");
    else if (line) line.scrollIntoView({ block: "center" });
    else this.toBottom();
    this.scrolled();
    requestAnimationFrame(() => this.watchEdges());
    this.read();
  }

  watchEdges() {
    this.edges.disconnect();
    for (const edge of this.messages.querySelectorAll("[data-extend]")) this.edges.observe(edge);
  }

  // -- the place ---------------------------------------------------------------------------------------------------

  get atBottom() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_BOTTOM;
  }

  toBottom() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  scrolled() {
    this.stick = this.complete && this.atBottom;
    if (this.stick && this.missed) this.missed = 0;
    if (this.stick) this.read();
    this.showJump();
  }

  showJump() {
    this.jumpButton.hidden = this.stick;
    this.jumpButton.classList.toggle("has-missed", this.missed > 0);
    const words = this.missed === 1 ? "1 new message" : `${this.missed} new messages`;
    this.jumpButton.querySelector("span").textContent = this.missed ? words : "Newest";
  }

  async toNewest() {
    if (!this.complete) await this.refetch();
    this.stick = true;
    this.toBottom();
    this.scrolled();
  }

  show(message, behavior = "smooth") {
    message.scrollIntoView({ block: "center", behavior });
    message.classList.remove("is-found");
    void message.offsetWidth; // starts the highlight anew
    message.classList.add("is-found");
  }

  clicked(event) {
    const quote = event.target.closest("a[data-jump]");
    if (!quote) return;
    const original = document.getElementById(`message-${quote.dataset.jump}`);
    if (!original) return; // the link opens the conversation at that message
    event.preventDefault();
    event.stopPropagation();
    this.show(original);
  }

  // -- more ----------------------------------------------------------------------------------------------------------

  async extend(edge) {
    if (edge.dataset.busy) return;
    edge.dataset.busy = "true";
    try {
      const fresh = elements(await ask(edge.querySelector("a").href, { signal: this.ended.signal, quiet: true }));
      if (edge.dataset.extend === "older") this.prepend(edge, fresh);
      else this.extendNewer(edge, fresh);
      this.arrange();
      this.watchEdges();
    } catch (error) {
      delete edge.dataset.busy; // the link stays and can be pressed
    }
  }

  /* Older messages go in above; what is being looked at stays where it is. */
  prepend(edge, fresh) {
    const { scrollHeight, scrollTop } = this.scroll;
    this.dropKnown(fresh);
    edge.replaceWith(fresh);
    this.arrange();
    this.scroll.scrollTop = scrollTop + this.scroll.scrollHeight - scrollHeight;
  }

  extendNewer(edge, fresh) {
    this.dropKnown(fresh);
    this.complete = !fresh.querySelector("[data-extend=newer]");
    edge.replaceWith(fresh);
  }

  dropKnown(fresh) {
    for (const message of [...fresh.querySelectorAll(".message")]) {
      if (document.getElementById(message.id)) message.remove();
    }
  }

  /* The newest page again, after a lost connection: it takes the place of what is shown, but somebody who reads further
     up keeps theirs and gets only what is new. When a whole page came meanwhile, the newest wait behind the button. */
  async refetch({ replace = this.stick || !this.complete } = {}) {
    const stick = replace || this.stick;
    this.asking += 1;
    try {
      const fresh = elements(await ask(this.root.dataset.messagesUrl, { signal: this.ended.signal, quiet: true }));
      const messages = [...fresh.querySelectorAll(".message")];
      const joins = !this.messages.querySelector(".message") || messages.some((one) => document.getElementById(one.id));
      for (const message of messages) {
        const known = document.getElementById(message.id);
        if (known) keepHigher(known, message);
      }
      const late = [...this.arrived.values()].filter((one) => !messages.some((other) => other.id === one.id));
      if (replace) this.messages.replaceChildren(fresh);
      else if (joins) for (const message of messages) this.put(message);
      for (const message of late) this.put(message); // came while the answer was on its way
      this.complete = replace || joins;
      if (!this.complete) this.showJump();
      this.arrange();
      if (stick) this.toBottom();
      this.watchEdges();
    } catch {
      /* the next reconnection tries again */
    }
    this.asking -= 1;
    if (!this.asking) this.arrived.clear();
  }

  // -- live ------------------------------------------------------------------------------------------------------------

  /* Whether the message in `html` is shown already. */
  has(html) {
    return Boolean(document.getElementById(elements(html).querySelector(".message")?.id));
  }

  /* A message that was added or has changed. */
  receive(html, { unread = false } = {}) {
    const message = elements(html).querySelector(".message");
    if (!message) return;
    const known = document.getElementById(message.id);
    const ours = message.dataset.side === "out";
    const first = this.messages.querySelector(".message");
    const above = this.messages.querySelector("[data-extend=older]");
    if (!known && above && message.dataset.at < first?.dataset.at) return; // it comes with the older ones
    if (!known && !this.complete) {
      this.missed += ours ? 0 : 1;
      this.showJump();
      return;
    }
    const stick = this.stick;
    if (this.asking) this.arrived.set(message.id, message);
    this.put(message);
    this.arrange();
    if (known) return;
    if (!ours) this.typing(false);
    if (unread) this.unread += 1;
    if (stick) this.toBottom();
    else if (!ours) this.missed += 1;
    this.showJump();
    this.read();
  }

  /* Replace it, or put it in its place in time (nearly always the end). */
  put(message) {
    const known = document.getElementById(message.id);
    this.requote(message);
    if (known) {
      keepHigher(known, message);
      known.replaceWith(message);
      return;
    }
    const earlier = [...this.messages.querySelectorAll(".message")];
    const before = earlier.findLast((one) => one.dataset.at <= message.dataset.at);
    if (before) before.after(message);
    else if (earlier.length) earlier[0].before(message);
    else this.messages.append(message);
  }

  /* Answers to a message that was edited or deleted quote it as it is now. */
  requote(message) {
    const deleted = message.matches(".message-deleted") && message.querySelector(".message-text")?.textContent.trim();
    const words = deleted || message.querySelector("[data-reply]")?.dataset.text;
    if (!words) return;
    for (const quote of this.messages.querySelectorAll(`[data-jump="${message.dataset.message}"] .message-quote-text`)) {
      quote.textContent = words;
    }
  }

  status(frame) {
    const ticks = document.getElementById(`ticks-${frame.message}`);
    if (lowers(ticks, frame.status)) return;
    ticks?.replaceChildren(elements(frame.html));
    document.getElementById(`note-${frame.message}`)?.replaceWith(elements(frame.note));
  }

  typing(active) {
    clearTimeout(this.typingTimer);
    this.root.classList.toggle("is-typing", active);
    if (this.stick && active) this.toBottom();
    if (active) this.typingTimer = setTimeout(() => this.typing(false), TYPING_MS);
  }

  // -- reading -------------------------------------------------------------------------------------------------------

  /* Tell the server that what is here was seen, when somebody looks at it. */
  read() {
    if (!this.unread || !this.root.dataset.readUrl || !this.complete || document.hidden) return;
    clearTimeout(this.readTimer);
    this.readTimer = setTimeout(async () => {
      const seen = this.unread;
      this.unread = 0;
      try {
        await ask(this.root.dataset.readUrl, { form: new FormData(), quiet: true });
      } catch {
        this.unread += seen; // told at the next occasion
      }
    }, READ_PAUSE);
  }

  // -- days ------------------------------------------------------------------------------------------------------------

  /* A line above the first message of each day, and which bubbles belong together. */
  arrange() {
    let day = "";
    let side = "";
    for (const item of [...this.messages.children]) {
      if (item.matches(".chat-day")) {
        item.remove();
        continue;
      }
      if (!item.matches(".message")) {
        side = "";
        continue;
      }
      const own = this.days.format(new Date(item.dataset.at));
      if (own !== day) {
        const line = item.previousElementSibling?.matches(".chat-new") ? item.previousElementSibling : item;
        line.before(this.dayLine(item.dataset.at));
        side = "";
      }
      const author = item.dataset.side + item.dataset.author;
      item.classList.toggle("is-first", author !== side);
      day = own;
      side = author;
    }
    refresh(this.messages);
  }

  dayLine(at) {
    const line = document.createElement("li");
    line.className = "chat-day";
    const time = document.createElement("time");
    time.dateTime = at;
    time.dataset.format = "day";
    time.textContent = words(new Date(at), "day");
    line.append(time);
    return line;
  }
}
