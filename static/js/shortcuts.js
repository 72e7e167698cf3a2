// Keyboard shortcuts: a letter, or "g" and a letter. Silent while somebody types, while a dialog is open, and when the
// user has switched them off.

const enabled = document.documentElement.dataset.shortcuts === "on";
const known = new Map();
let prefix = "";
let prefixTimer = 0;

/** Have `keys` ("j", "g i") call `action(event)`. `description` appears in the list behind "?". */
export function shortcut(keys, description, action) {
  known.set(keys, { description, action });
}

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.nodeName);
}

function forgetPrefix() {
  clearTimeout(prefixTimer);
  prefix = "";
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const keys = prefix + event.key;
  forgetPrefix();
  const found = known.get(keys);
  if (found) {
    event.preventDefault();
    found.action(event);
  } else if (event.key === "g") {
    prefix = "g ";
    prefixTimer = setTimeout(forgetPrefix, 1200);
  }
}

function showList() {
  const dialog = document.getElementById("shortcuts-dialog");
  dialog?.showModal();
}

function fillList() {
  const list = document.querySelector("[data-shortcut-list]");
  if (!list) return;
  list.replaceChildren();
  for (const [keys, { description }] of known) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const words = document.createElement("dd");
    for (const key of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap);
    }
    words.textContent = description;
    row.append(term, words);
    list.append(row);
  }
}

function follow(name) {
  return () => document.querySelector(`.wf-nav [data-nav="${name}"]`)?.click();
}

shortcut("?", "Show this list", showList);
shortcut("/", "Search", () => document.querySelector("[data-search]")?.focus());
shortcut("g h", "Go to the home page", follow("home"));
shortcut("g i", "Go to the inbox", follow("inbox"));
shortcut("g c", "Go to the contacts", follow("contacts"));
shortcut("g n", "Go to the numbers", follow("numbers"));
if (enabled) document.addEventListener("keydown", onKey);
new MutationObserver(fillList).observe(document.getElementById("shortcuts-dialog") ?? document.createElement("i"), {
  attributeFilter: ["open"],
});
