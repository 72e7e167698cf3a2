/* Quick replies: "/" and the beginning of a short name, or the button, offers texts to put into the message. */

import { ask, elements } from "./inbox-net.js";

const ASKED = /(^|\s)\/([^\s/]{0,32})$/; // before the cursor

export class Offers {
  /* form: the composer's form; text: its textarea; signal: ends the listening. */
  constructor(form, text, signal) {
    this.text = text;
    this.url = form.dataset.offersUrl;
    this.panel = form.querySelector("[data-offers]");
    this.list = this.panel.querySelector("[role=listbox]");
    this.none = this.panel.querySelector("[data-offers-empty]");
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(text, "input", () => this.look());
    on(text, "click", () => this.look());
    on(text, "blur", () => this.leftBehind());
    on(form.querySelector("[data-offer]"), "click", () => this.pressed());
    on(this.panel, "pointerdown", (event) => event.target.closest("a") || event.preventDefault()); // keeps the cursor
    on(this.list, "click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(option);
    });
  }

  get open() {
    return !this.panel.hidden;
  }

  /* Where the slash and what follows stand in the text; null when the cursor is not in such a word. */
  get place() {
    const end = this.text.selectionStart;
    const found = this.text.value.slice(0, end).match(ASKED);
    return found && { start: end - found[2].length - 1, end, word: found[2].toLowerCase() };
  }

  async look() {
    const { place } = this;
    if (!place) return this.close();
    await this.fetch();
    if (this.place) this.show(this.place.word);
  }

  /* The button writes the slash. */
  pressed() {
    this.text.focus();
    if (this.open) return this.close();
    const { value, selectionStart: at } = this.text;
    const blank = at && !/\s/.test(value[at - 1]) ? " " : "";
    if (!this.place) this.text.setRangeText(`${blank}/`, at, at, "end");
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  fetch() {
    this.fetched ??= ask(this.url, { quiet: true })
      .then((html) => this.list.replaceChildren(elements(html)))
      .catch(() => {
        this.fetched = null; // asked for again with the next key
      });
    return this.fetched;
  }

  show(word) {
    const options = [...this.list.children];
    for (const one of options) one.hidden = !this.fits(one, word);
    const shown = options.filter((one) => !one.hidden);
    shown.sort((a, b) => Number(b.dataset.name.startsWith(word)) - Number(a.dataset.name.startsWith(word)));
    this.list.append(...shown);
    this.none.hidden = shown.length > 0;
    this.panel.hidden = false;
    this.mark(shown[0]);
  }

  fits(option, word) {
    return option.dataset.name.includes(word) || option.dataset.text.toLowerCase().includes(word);
  }

  close() {
    this.panel.hidden = true;
    this.mark(null);
  }

  /* Unless the focus went into the panel. */
  leftBehind() {
    setTimeout(() => this.panel.contains(document.activeElement) || this.close());
  }

  mark(option) {
    this.chosen?.removeAttribute("aria-selected");
    this.chosen = option || null;
    if (!option) return this.text.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.text.setAttribute("aria-activedescendant", option.id);
  }

  /* Keys while the list is open. Returns whether the key was meant for it. */
  key(event) {
    if (!this.open || event.isComposing) return false;
    const shown = [...this.list.children].filter((one) => !one.hidden);
    const here = shown.indexOf(this.chosen);
    if (event.key === "Escape") this.close();
    else if (!shown.length) return false;
    else if (event.key === "ArrowDown") this.mark(shown[(here + 1) % shown.length]);
    else if (event.key === "ArrowUp") this.mark(shown[(here - 1 + shown.length) % shown.length]);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") this.take(this.chosen);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  take(option) {
    const { place } = this;
    const at = this.text.selectionStart;
    this.close();
    this.text.setRangeText(option.dataset.text, place ? place.start : at, place ? place.end : at, "end");
    this.text.focus();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
