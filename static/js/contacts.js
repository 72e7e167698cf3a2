// The list and the card of contacts: choosing rows, keys, names of countries.

import { shortcut } from "./shortcuts.js";

const page = document.getElementById("contacts");
const names = "DisplayNames" in Intl ? new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "region" }) : null;

function nameCountries(root) {
  for (const element of root.querySelectorAll("[data-country]")) {
    try {
      element.textContent = names?.of(element.dataset.country) ?? element.dataset.country;
    } catch {
      element.textContent = element.dataset.country; // codes that are none
    }
  }
}

nameCountries(document);
document.addEventListener("htmx:afterSwap", (event) => nameCountries(event.target));

// -- choosing rows --------------------------------------------------------------------------------

const boxes = () => [...page.querySelectorAll('[name="ids"]')];
let lastBox = null;

function everybody() {
  return page.querySelector("[data-all]")?.value === "1";
}

function showChosen() {
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  const bar = page.querySelector("[data-bulk-bar]");
  if (!bar) return;
  bar.hidden = count === 0;
  const total = page.querySelector("[data-total]")?.textContent.trim();
  page.querySelector("[data-bulk-count]").textContent = everybody() ? `Everybody found${total ? `: ${total}` : ""}` : `${count} chosen`;
  const who = everybody() ? `everybody found${total ? ` (${total})` : ""}` : `${count} contact${count === 1 ? "" : "s"}`;
  for (const button of bar.querySelectorAll("[data-asks]")) button.dataset.confirmTitle = button.dataset.asks.replace("{who}", who);
  page.querySelector("[data-choose-all]").hidden = everybody() || !page.querySelector("[data-next]");
  const head = page.querySelector("[data-check-all]");
  head.checked = count > 0 && count === all.length;
  head.indeterminate = count > 0 && count < all.length;
}

// What stands above the list follows a list that was fetched anew.
function showFilter() {
  const words = page.querySelectorAll(".contacts-word").length;
  const conditions = page.querySelectorAll(".contacts-word[data-condition]").length;
  const badge = page.querySelector("[data-conditions]");
  badge.textContent = conditions;
  badge.hidden = conditions === 0;
  const all = page.querySelector("[data-everybody]");
  if (words) for (const pill of page.querySelectorAll(".contacts-segment")) pill.removeAttribute("aria-current");
  else all?.setAttribute("aria-current", "page");
}

// An address says what is asked for and nothing else.
function leaveOutEmpty(event) {
  const { formData } = event.detail;
  for (const [name, value] of [...formData.entries()]) {
    if (value === "" || (name.startsWith("value.") && !formData.get(name.replace("value.", "test.")))) formData.delete(name);
  }
}

function setEverybody(on) {
  page.querySelector("[data-all]").value = on ? "1" : "";
}

function onChange(event) {
  if (event.target.matches("[data-check-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
    setEverybody(false);
  } else if (event.target.name === "ids") {
    setEverybody(false);
  } else if (event.target.matches("[data-tag-side]")) {
    return nameSide(event.target);
  } else return;
  showChosen();
}

// A tag's choice goes under the name of its side: any, all or none.
function nameSide(select) {
  const side = select.selectedOptions[0]?.dataset.side;
  if (side) select.name = side;
  else select.removeAttribute("name");
}

function onClick(event) {
  const { target } = event;
  if (target.name === "ids") {
    if (event.shiftKey && lastBox) chooseBetween(lastBox, target);
    lastBox = target;
  } else if (target.closest("[data-choose-all]")) {
    for (const box of boxes()) box.checked = true;
    setEverybody(true);
    showChosen();
  } else if (target.closest("[data-choose-none]")) {
    for (const box of boxes()) box.checked = false;
    setEverybody(false);
    showChosen();
  } else if (target.closest("[data-close-dialog]")) {
    target.closest("dialog")?.close();
  }
}

function chooseBetween(one, other) {
  const all = boxes();
  const [start, end] = [all.indexOf(one), all.indexOf(other)].sort((a, b) => a - b);
  if (start >= 0) for (const box of all.slice(start, end + 1)) box.checked = other.checked;
}

// -- keys -----------------------------------------------------------------------------------------

const rows = () => [...page.querySelectorAll("[data-row]")];

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const here = all.findIndex((row) => row.classList.contains("is-current"));
  const next = all[Math.min(Math.max(here + step, 0), all.length - 1)];
  all[here]?.classList.remove("is-current");
  next.classList.add("is-current");
  next.querySelector("[data-row-link]").focus();
  next.scrollIntoView({ block: "nearest" });
}

function toggleCurrent() {
  const box = page.querySelector('.is-current [name="ids"]');
  if (!box) return;
  box.checked = !box.checked;
  setEverybody(false);
  showChosen();
}

if (page) {
  page.addEventListener("change", onChange);
  page.addEventListener("click", onClick);
  page.addEventListener("htmx:afterSwap", () => {
    showChosen();
    showFilter();
  });
  page.querySelector("[data-filter-form]").addEventListener("htmx:configRequest", leaveOutEmpty);
  shortcut("j", "Next contact", () => move(1));
  shortcut("k", "Previous contact", () => move(-1));
  shortcut("x", "Choose this contact", toggleCurrent);
  shortcut("n", "New contact", () => document.querySelector("[data-new]")?.click());
  showChosen();
}
