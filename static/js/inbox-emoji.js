/* The emoji panel: groups, a search by name, and those used last. Its list is fetched when it is first opened. */

const KEPT = 24;
const STORE = "whatsflow.emoji";

export class EmojiPanel {
  /* form: the composer's form; text: its textarea; signal: ends the listening. */
  constructor(form, text, signal) {
    this.text = text;
    this.button = form.querySelector("[data-emoji]");
    this.panel = form.querySelector("[data-emoji-panel]");
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(this.button, "click", () => this.toggle(this.panel.hidden));
    on(this.panel, "click", (event) => {
      const chosen = event.target.closest("[data-emoji-char]");
      if (chosen) this.take(chosen.textContent);
    });
    on(this.panel, "keydown", (event) => this.key(event));
    on(document, "pointerdown", (event) => {
      if (!this.panel.hidden && !form.contains(event.target)) this.toggle(false);
    });
  }

  async toggle(open) {
    if (open) await this.fill();
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.panel.querySelector("input").focus();
  }

  async fill() {
    const { GROUPS } = await import("./emoji-list.js");
    this.groups = GROUPS.map(([title, ...lines]) => [title, lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)])]);
    const search = document.createElement("input");
    search.type = "search";
    search.className = "form-control form-control-sm";
    search.placeholder = "Search emoji";
    search.setAttribute("aria-label", "Search emoji");
    search.autocomplete = "off";
    search.addEventListener("input", () => this.draw(search.value.trim().toLowerCase()));
    this.place = document.createElement("div");
    this.place.className = "emoji-groups";
    this.panel.replaceChildren(search, this.place);
    this.draw("");
  }

  draw(word) {
    const all = this.groups.flatMap(([, list]) => list);
    const last = used().map((char) => all.find(([one]) => one === char)).filter(Boolean);
    const found = all.filter(([, name]) => name.includes(word));
    const groups = word ? [[found.length ? "Found" : "None found", found]] : [["Used last", last], ...this.groups];
    this.place.replaceChildren(...groups.filter(([, list]) => list.length || word).map(([title, list]) => group(title, list)));
  }

  key(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.toggle(false);
      this.text.focus();
      return;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    const search = event.target.matches("input");
    if (event.key === "Enter" && search) event.preventDefault(); // must not send the message
    if (!step || (search && event.key !== "ArrowDown")) return;
    const buttons = [...this.place.querySelectorAll("[data-emoji-char]")];
    const here = buttons.indexOf(event.target);
    event.preventDefault();
    buttons[search ? 0 : Math.min(Math.max(here + step, 0), buttons.length - 1)]?.focus();
  }

  take(char) {
    const { selectionStart, selectionEnd } = this.text;
    this.text.setRangeText(char, selectionStart, selectionEnd, "end");
    localStorage.setItem(STORE, JSON.stringify([char, ...used().filter((one) => one !== char)].slice(0, KEPT)));
    this.toggle(false);
    this.text.focus();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function used() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) || "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

function group(title, list) {
  const section = document.createElement("section");
  const head = document.createElement("h2");
  const grid = document.createElement("div");
  head.textContent = title;
  grid.className = "emoji-grid";
  for (const [char, name] of list) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.emojiChar = "";
    button.textContent = char;
    button.title = name;
    button.setAttribute("aria-label", name);
    grid.append(button);
  }
  section.append(head, grid);
  return section;
}
