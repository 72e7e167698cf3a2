/* The list of conversations: rows that move by themselves, tabs, search, more on scroll. */

import { ask, elements } from "./inbox-net.js";
import { keepHigher, lowers } from "./ticks.js";
import { refresh } from "./times.js";

const SEARCH_PAUSE = 250; // ms without a key before the search is sent

const MATCHES = {
  all: () => true,
  open: (row) => row.state === "open",
  closed: (row) => row.state === "closed",
  unread: (row) => Number(row.unread) > 0,
  mine: (row, user) => row.assigned === user,
};

export class List {
  /* inbox: the root element. open(url): shows a conversation. */
  constructor(inbox, open) {
    this.inbox = inbox;
    this.open = open;
    this.pane = inbox.querySelector("[data-list]");
    this.rows = inbox.querySelector("#inbox-list");
    this.scroll = inbox.querySelector("[data-list-scroll]");
    this.form = inbox.querySelector("[data-search-form]");
    this.active = inbox.querySelector("#chat")?.dataset.conversation || "";
    this.hit = inbox.querySelector("#chat")?.dataset.at || "";
    this.tab = inbox.dataset.tab;
    this.arrived = new Map(); // rows that changed while the list is being loaded
    this.listen();
    this.watchMore();
  }

  listen() {
    this.rows.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-open]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.open(link.href);
    });
    this.pane.querySelector("[data-tabs]").addEventListener("click", (event) => {
      const link = event.target.closest("a[data-tab]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.choose(link.dataset.tab);
    });
    const input = this.form.elements.q;
    input.addEventListener("input", () => {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.refetch({ top: true }), SEARCH_PAUSE);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.clearSearch();
      if (event.key === "ArrowDown") this.rows.querySelector("a[data-open]")?.focus();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.refetch({ top: true });
    });
    this.pane.querySelector("[data-tag-filter]")?.addEventListener("change", () => this.refetch({ top: true }));
    this.form.querySelector("[data-search-clear]")?.addEventListener("click", () => this.clearSearch());
  }

  get search() {
    return this.form.elements.q.value.trim();
  }

  clearSearch() {
    if (!this.form.elements.q.value) return;
    this.form.elements.q.value = "";
    this.refetch({ top: true });
  }

  choose(tab) {
    this.tab = tab;
    this.inbox.dataset.tab = tab;
    this.form.elements.tab.value = tab;
    for (const link of this.pane.querySelectorAll("a[data-tab]")) {
      const here = link.dataset.tab === tab;
      link.classList.toggle("active", here);
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.refetch({ top: true });
  }

  /* Whether a row belongs to the tab and the tag that are shown. */
  fits(row) {
    const carried = (row.dataset.tags ?? "").split(" ");
    return MATCHES[this.tab](row.dataset, this.inbox.dataset.user) && (!this.tag || carried.includes(this.tag));
  }

  get tag() {
    return this.pane.querySelector("[data-tag-filter]")?.value ?? "";
  }

  get url() {
    const query = new URLSearchParams({ tab: this.tab });
    if (this.search) query.set("q", this.search);
    if (this.tag) query.set("tag", this.tag);
    return `${this.inbox.dataset.url}?${query}`;
  }

  /* Load the list anew, keeping the place unless `top`. The newest request wins. */
  async refetch({ top = false } = {}) {
    this.request?.abort();
    this.request = new AbortController();
    this.form.classList.toggle("has-search", Boolean(this.search));
    this.pane.setAttribute("aria-busy", "true");
    this.arrived.clear();
    try {
      const html = await ask(this.url, { signal: this.request.signal });
      this.rows.replaceChildren(elements(html));
      for (const row of this.arrived.values()) this.update(row); // came while the answer was on its way
      if (top) this.scroll.scrollTop = 0;
      this.mark(this.active);
      this.watchMore();
    } catch (error) {
      if (error.name === "AbortError") return;
    } finally {
      this.pane.removeAttribute("aria-busy");
    }
  }

  watchMore() {
    this.observer?.disconnect();
    const more = this.rows.querySelector("[data-more]");
    if (!more) return;
    this.observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.loadMore(more),
      { root: this.scroll, rootMargin: "400px" },
    );
    this.observer.observe(more);
    more.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      this.loadMore(more);
    });
  }

  async loadMore(more) {
    this.observer?.disconnect();
    try {
      const fresh = elements(await ask(more.querySelector("a").href));
      if (!more.isConnected) return; // the list was loaded anew meanwhile
      for (const row of [...fresh.querySelectorAll(".inbox-row")]) {
        if (document.getElementById(row.id)) row.remove(); // it moved up by itself
      }
      more.replaceWith(fresh);
      this.mark(this.active);
      this.watchMore();
    } catch {
      /* the link stays and can be pressed */
    }
  }

  /* Show which conversation (and which message found in it) is open. What left the tab meanwhile goes with the focus. */
  mark(id, hit = this.hit) {
    if (id !== this.active) this.prune(id);
    this.active = id;
    this.hit = hit;
    refresh(this.rows);
    for (const row of this.rows.querySelectorAll(".inbox-row")) {
      const here = row.dataset.conversation === id && (row.dataset.hit ?? hit) === hit;
      row.classList.toggle("is-active", here);
      const link = row.querySelector("a");
      if (here) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  /* The open conversation stays in its tab although it was read, closed or given away; until another is opened. */
  prune(id) {
    if (this.search) return;
    for (const row of [...this.rows.querySelectorAll(".inbox-row")]) {
      const fits = this.fits(row);
      if (!fits && row.dataset.conversation !== id) row.remove();
    }
  }

  /* A conversation as it is now: its row moves, changes, appears or leaves, as tab and search want it. */
  update(html) {
    const row = elements(html).querySelector(".inbox-row");
    if (!row) return;
    if (this.pane.hasAttribute("aria-busy")) this.arrived.set(row.id, html);
    const old = document.getElementById(row.id);
    const focused = old?.contains(document.activeElement);
    const fits = this.fits(row) || row.dataset.conversation === this.active;
    if (this.search) {
      if (old && !old.dataset.hit) old.replaceWith(row);
    } else if (!fits) {
      old?.remove();
    } else {
      this.place(row, old);
    }
    this.mark(this.active);
    if (focused) row.querySelector("a").focus({ preventScroll: true });
    this.sayEmpty();
  }

  /* Newest first; below the last loaded row it is left to "more". */
  place(row, old) {
    if (old && old.dataset.last === row.dataset.last) keepHigher(old, row);
    if (old && old.dataset.at === row.dataset.at) {
      old.replaceWith(row);
      return;
    }
    old?.remove();
    const next = [...this.rows.querySelectorAll(".inbox-row")].find((one) => one.dataset.at < row.dataset.at);
    if (next) next.before(row);
    else if (!this.rows.querySelector("[data-more]")) this.rows.append(row);
  }

  sayEmpty() {
    const rows = this.rows.querySelector(".inbox-row");
    const empty = this.rows.querySelector("[data-empty]");
    if (rows && empty) empty.remove();
    if (!rows && !empty && !this.rows.querySelector("[data-more]")) this.refetch();
  }

  /* New ticks of the message that a row previews. */
  tick(message, status, html) {
    const row = this.rows.querySelector(`.inbox-row[data-last="${CSS.escape(message)}"]`);
    if (lowers(row, status)) return;
    row?.querySelector(".inbox-row-tick")?.replaceChildren(elements(html));
  }

  typing(id, active) {
    document.getElementById(`row-${id}`)?.classList.toggle("is-typing", active);
  }

  /* The URL of the row `step` places below (or above) the open one. */
  neighbour(step) {
    const rows = [...this.rows.querySelectorAll(".inbox-row")];
    const here = rows.findIndex((row) => row.dataset.conversation === this.active);
    const next = rows[here < 0 ? 0 : here + step];
    next?.scrollIntoView({ block: "nearest" });
    return next?.querySelector("a").href || "";
  }
}
