/* Requests of the inbox: partials in, forms out; what the server says as toasts or redirects is passed on as htmx does. */

export class Refused extends Error {
  /* The server said no. message: its words for people. status: the HTTP status; 0 when it could not be reached. */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const UNREACHABLE = "WhatsFlow cannot be reached. Check the connection and try again.";

export function csrfToken() {
  try {
    const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
    if (headers["X-CSRFToken"]) return headers["X-CSRFToken"];
  } catch {
    /* no such attribute: a form has the token */
  }
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value || "";
}

/* A random key (UUID version 4), also on plain http where crypto.randomUUID is missing. */
export function randomToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function toastsOf(header) {
  if (!header) return [];
  try {
    const toast = JSON.parse(header).toast;
    return toast ? [].concat(toast) : [];
  } catch {
    return [];
  }
}

export function toast(message, level = "danger") {
  document.body.dispatchEvent(new CustomEvent("toast", { bubbles: true, detail: { level, message } }));
}

function headers() {
  return { "HX-Request": "true", "HX-Current-URL": location.href, "X-CSRFToken": csrfToken() };
}

function settle(status, ok, trigger, redirect, quiet) {
  if (redirect) {
    location.assign(redirect);
    throw new Refused("", status);
  }
  const toasts = toastsOf(trigger);
  if (ok) {
    toasts.forEach((one) => toast(one.message, one.level));
    return;
  }
  const words = toasts.map((one) => one.message).join(" ") || `This did not work (${status}). Try again.`;
  if (!quiet) toast(words);
  throw new Refused(words, status);
}

/* Ask for a partial, or post a form. Returns the HTML; raises Refused, after a toast unless quiet. */
export async function ask(url, { form = null, signal = null, quiet = false, keepalive = false } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: form ? "POST" : "GET",
      body: form,
      headers: headers(),
      credentials: "same-origin",
      signal,
      keepalive,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!quiet) toast(UNREACHABLE);
    throw new Refused(UNREACHABLE, 0);
  }
  settle(response.status, response.ok, response.headers.get("HX-Trigger"), response.headers.get("HX-Redirect"), quiet);
  return response.status === 204 ? "" : response.text();
}

/* Post a form with a progress callback (0 to 1); for files. Returns {promise, abort}. */
export function send(url, form, onProgress) {
  const request = new XMLHttpRequest();
  const promise = new Promise((resolve, reject) => {
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("error", () => reject(new Refused(UNREACHABLE, 0)));
    request.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
    request.addEventListener("load", () => {
      const ok = request.status >= 200 && request.status < 300;
      try {
        const read = (name) => request.getResponseHeader(name);
        settle(request.status, ok, read("HX-Trigger"), read("HX-Redirect"), true);
        resolve(request.responseText);
      } catch (error) {
        reject(error);
      }
    });
    request.send(form);
  });
  return { promise, abort: () => request.abort() };
}

/* The elements of a piece of HTML that the server rendered. */
export function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
