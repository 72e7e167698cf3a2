/* Writing: text, files, a quoted message, a draft that is kept on the server, and one message per press. */

import { EmojiPanel } from "./inbox-emoji.js";
import { ask, csrfToken, randomToken, send } from "./inbox-net.js";
import { Offers } from "./inbox-offers.js";

const DRAFT_PAUSE = 700; // ms without a key before the draft is saved
const TYPING_PAUSE = 4000; // ms between two words to the server that somebody types
const NEAR_LIMIT = 500; // characters before the limit at which the counter shows
const ENTER_BREAKS = matchMedia("(pointer: coarse)"); // on phones Enter makes a new line, the button sends

export class Composer {
  /* chat: the Chat it writes to. */
  constructor(chat) {
    this.chat = chat;
    this.form = chat.root.querySelector("form[data-composer]");
    this.files = [];
    this.token = { key: randomToken(), of: null };
    this.saved = Promise.resolve();
    if (!this.form || this.form.elements.text.disabled) {
      this.form = null;
      return;
    }
    this.text = this.form.elements.text;
    this.limit = Number(this.text.dataset.limit);
    this.tray = this.form.querySelector("[data-tray]");
    this.chip = this.form.querySelector("[data-reply-chip]");
    this.error = this.form.querySelector("[data-error]");
    this.counter = this.form.querySelector("[data-counter]");
    this.button = this.form.querySelector("[data-send]");
    this.kept = this.text.value;
    this.offers = new Offers(this.form, this.text, chat.ended.signal);
    this.emoji = new EmojiPanel(this.form, this.text, chat.ended.signal);
    this.listen(chat.ended.signal);
    this.changed();
  }

  listen(signal) {
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(this.text, "input", () => {
      this.changed();
      this.tellTyping();
    });
    on(this.text, "keydown", (event) => this.key(event));
    on(this.text, "paste", (event) => this.pasted(event));
    on(this.form, "submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    on(this.form.elements.file, "change", () => {
      this.add(this.form.elements.file.files);
      this.form.elements.file.value = "";
    });
    on(this.form.querySelector("[data-attach]"), "click", () => this.form.elements.file.click());
    on(this.chip.querySelector("button"), "click", () => this.unquote());
    on(this.chat.messages, "click", (event) => {
      const button = event.target.closest("[data-reply]");
      if (button) this.quote(button);
    });
    on(document, "visibilitychange", () => document.hidden && this.saveDraft());
    on(window, "pagehide", () => this.saveDraft());
    this.acceptDrops(on);
  }

  /* Put the cursor here, unless that would open a phone's keyboard. */
  focus({ force = false } = {}) {
    if (this.form && (force || !ENTER_BREAKS.matches)) this.text.focus({ preventScroll: true });
  }

  end() {
    if (!this.form) return;
    this.saveDraft();
    for (const file of this.files) this.forget(file);
  }

  // -- text --------------------------------------------------------------------------------------------------------------

  key(event) {
    if (this.offers.key(event)) return;
    if (event.key === "Escape" && !this.chip.hidden) {
      event.stopPropagation();
      this.unquote();
    }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || ENTER_BREAKS.matches) return;
    event.preventDefault();
    this.submit();
  }

  changed() {
    this.grow();
    this.count();
    this.button.disabled = !this.sendable;
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(() => this.saveDraft(), DRAFT_PAUSE);
  }

  grow() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }

  count() {
    const near = this.text.value.length > this.limit - NEAR_LIMIT;
    this.left = near ? this.limit - [...this.text.value].length : NEAR_LIMIT;
    this.counter.hidden = !near;
    if (!near) return;
    const over = `${(-this.left).toLocaleString("en")} characters too long: a message may have ${this.limit.toLocaleString("en")}.`;
    this.counter.textContent = this.left < 0 ? over : `${this.left} characters left`;
    this.counter.classList.toggle("text-danger", this.left < 0);
  }

  get sendable() {
    const something = this.text.value.trim() || this.files.length;
    const ready = this.files.every((file) => file.id);
    return Boolean(something && ready && this.left >= 0 && !this.busy);
  }

  say(words) {
    this.error.textContent = words;
    this.error.hidden = !words;
  }

  // -- the draft -----------------------------------------------------------------------------------------------------

  /* One save after the other, so that an older text never lands last. */
  saveDraft() {
    clearTimeout(this.draftTimer);
    const text = this.text.value;
    if (text === this.kept || [...text].length > this.limit) return;
    this.kept = text;
    const form = new FormData();
    form.set("text", text);
    const keep = () => ask(this.form.dataset.draftUrl, { form, quiet: true, keepalive: text.length < 15000 });
    this.saved = this.saved.then(keep).catch(() => {
      this.kept = null; // saved with the next change
    });
  }

  /* The customer sees that somebody types: told again while keys come, and ended when the text is gone. */
  tellTyping() {
    const active = Boolean(this.text.value.trim());
    const now = Date.now();
    if (active ? now - (this.typedAt || 0) < TYPING_PAUSE : !this.typedAt) return;
    this.typedAt = active ? now : 0;
    const form = new FormData();
    form.set("active", active ? "1" : "");
    ask(this.form.dataset.typingUrl, { form, quiet: true }).catch(() => {}); // worth no trouble
  }

  // -- a quoted message ----------------------------------------------------------------------------------------------

  quote(button) {
    const message = button.closest(".message");
    this.form.elements.reply_to.value = message.dataset.message;
    this.chip.querySelector("[data-author]").textContent = button.dataset.author;
    this.chip.querySelector("[data-text]").textContent = button.dataset.text;
    this.chip.hidden = false;
    this.focus({ force: true });
  }

  unquote() {
    this.form.elements.reply_to.value = "";
    this.chip.hidden = true;
    this.focus();
  }

  // -- files -----------------------------------------------------------------------------------------------------------

  pasted(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    this.add(event.clipboardData.files);
  }

  acceptDrops(on) {
    const { root } = this.chat;
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    on(root, "dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      root.classList.add("is-dropping");
    });
    on(root, "dragleave", (event) => {
      if (!root.contains(event.relatedTarget)) root.classList.remove("is-dropping");
    });
    on(root, "drop", (event) => {
      root.classList.remove("is-dropping");
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
  }

  add(files) {
    this.say("");
    for (const file of files) this.upload(file);
    this.changed();
    this.focus();
  }

  async upload(source) {
    const file = { id: "", element: this.preview(source), token: randomToken() };
    this.files.push(file);
    file.element.querySelector("button").addEventListener("click", () => this.remove(file));
    this.tray.append(file.element);
    this.tray.hidden = false;
    const form = new FormData();
    form.set("file", source);
    const bar = file.element.querySelector("progress");
    file.transfer = send(this.form.dataset.uploadUrl, form, (part) => {
      bar.value = part;
    });
    try {
      file.id = JSON.parse(await file.transfer.promise).id;
      bar.hidden = true;
      file.element.classList.add("is-ready");
    } catch (error) {
      if (error.name !== "AbortError") {
        this.remove(file);
        this.say(`${source.name || "The file"}: ${error.message}`);
      }
    }
    this.changed();
  }

  preview(source) {
    const element = this.form.querySelector("template[data-file]").content.firstElementChild.cloneNode(true);
    element.querySelector("[data-name]").textContent = source.name || "Pasted picture";
    element.querySelector("[data-size]").textContent = readableSize(source.size);
    if (/^image\/(png|jpe?g|gif|webp)$/.test(source.type)) {
      const image = element.querySelector("img");
      image.src = URL.createObjectURL(source);
      image.hidden = false;
      element.querySelector("svg").classList.add("d-none");
    }
    return element;
  }

  remove(file) {
    this.files = this.files.filter((one) => one !== file);
    this.forget(file);
    file.element.remove();
    this.tray.hidden = !this.files.length;
    this.changed();
  }

  forget(file) {
    if (!file.id) file.transfer?.abort();
    const image = file.element.querySelector("img");
    if (image.src) URL.revokeObjectURL(image.src);
  }

  // -- sending -----------------------------------------------------------------------------------------------------------

  /* The first file carries the text; each further file is a message of its own. */
  async submit() {
    if (!this.sendable) return;
    this.busy = true;
    this.button.disabled = true;
    this.say("");
    try {
      if (!this.files.length) await this.post(this.text.value, null);
      else while (this.files.length) await this.post(this.text.value, this.files[0]);
    } catch (error) {
      this.say(error.message);
    }
    this.tellTyping();
    this.busy = false;
    this.changed();
    this.focus();
  }

  async post(text, file) {
    const form = new FormData();
    form.set("text", text);
    form.set("reply_to", this.form.elements.reply_to.value);
    if (file) form.set("attachment", file.id);
    form.set("client_token", this.tokenFor([text, form.get("reply_to"), file?.id].join("\u0000")));
    form.set("csrfmiddlewaretoken", csrfToken());
    clearTimeout(this.draftTimer);
    await this.saved;
    const html = await ask(this.form.action, { form, quiet: true });
    this.token = { key: randomToken(), of: null };
    if (file) this.remove(file);
    this.text.value = this.text.value.startsWith(text) ? this.text.value.slice(text.length) : this.text.value;
    this.kept = ""; // the server forgot the draft with the message
    if (!this.chip.hidden) this.unquote();
    if (!this.chat.complete) await this.chat.refetch();
    if (!this.chat.has(html)) this.chat.receive(html); // else a frame was faster, and knows more
    this.chat.toNewest();
  }

  /* The same message keeps its key until the server has it: pressing twice, or again after a failure, sends one. */
  tokenFor(content) {
    if (this.token.of !== null && this.token.of !== content) this.token = { key: randomToken(), of: null };
    this.token.of = content;
    return this.token.key;
  }
}

export function readableSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
