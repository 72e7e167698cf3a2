// The builder of campaigns: parts that belong to a choice, variables at the cursor, preview and count while one types.

import "./refresh.js";

const SETTLE_MS = 350;
const builder = document.getElementById("builder");
let lastText = null;

function chosen(name) {
  const fields = builder.elements[name];
  if (!fields) return "";
  return fields.value ?? "";
}

/** Show the parts of the form that the choices made so far ask for. */
function arrange() {
  for (const [attribute, name] of [["whenTarget", "target_type"], ["whenTiming", "timing"], ["whenEvery", "every"]]) {
    const value = chosen(name);
    for (const part of builder.querySelectorAll("[data-when-target], [data-when-timing], [data-when-every]")) {
      if (part.dataset[attribute] === undefined) continue;
      part.hidden = !part.dataset[attribute].split(" ").includes(value);
    }
  }
  const several = builder.elements.ab_test.checked;
  builder.querySelector("[data-variants]").hidden = !several;
  builder.querySelector("[data-one-text]").hidden = several;
}

let timer;

function soon() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    window.htmx?.trigger(builder.querySelector(".wf-builder-preview"), "previewed");
    window.htmx?.trigger(document.getElementById("audience-count"), "counted");
  }, SETTLE_MS);
}

function isText(element) {
  return element?.name === "message_content" || element?.name?.startsWith("text_");
}

function putVariable(key) {
  const shown = [...builder.querySelectorAll("textarea")].filter((one) => isText(one) && one.offsetParent);
  const target = lastText?.offsetParent ? lastText : shown[0];
  if (!target) return;
  const text = key === "name" || key === "first_name" ? `{{${key}|there}}` : `{{${key}}}`;
  target.setRangeText(text, target.selectionStart, target.selectionEnd, "end");
  target.focus();
  soon();
}

let upload = null;

/** Show the file that was chosen and is not uploaded yet in each of the preview's bubbles. */
function showUpload() {
  for (const place of builder.querySelectorAll("[data-upload-preview]")) {
    const kept = place.parentElement.querySelector("[data-kept-media]");
    if (kept) kept.hidden = upload !== null;
    place.hidden = upload === null;
    place.replaceChildren();
    if (!upload) continue;
    if (upload.url) {
      const image = document.createElement("img");
      image.src = upload.url;
      image.alt = upload.name;
      place.append(image);
    } else {
      place.textContent = upload.name;
    }
  }
}

function chooseUpload(file) {
  if (upload?.url) URL.revokeObjectURL(upload.url);
  const shown = /^image\/(png|jpe?g|gif|webp)$/.test(file?.type);
  upload = file && { name: file.name, url: shown ? URL.createObjectURL(file) : "" };
  upload ??= null;
  showUpload();
}

if (builder) {
  arrange();
  builder.elements.upload?.addEventListener("change", (event) => chooseUpload(event.target.files[0]));
  builder.addEventListener("htmx:afterSettle", showUpload);
  builder.addEventListener("input", soon);
  builder.addEventListener("change", () => {
    arrange();
    soon();
  });
  builder.addEventListener("focusin", (event) => {
    if (isText(event.target)) lastText = event.target;
  });
  builder.addEventListener("click", (event) => {
    const button = event.target.closest("[data-variable]");
    if (button) putVariable(button.dataset.variable);
  });
}
