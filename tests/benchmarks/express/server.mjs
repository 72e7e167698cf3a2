// The other limit for pages: what somebody would write with Express and pg. One process, a pool of connections, the
// questions of tests/benchmarks/queries.py (after those about who it is all at once), and the rows and bubbles of our
// pages as template literals, escaped. What stands around them, the same on every page, is filled up to our page's size.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.BENCH_MODULES}/`);
const express = require("express");
const { Pool } = require("pg");

const asked = JSON.parse(process.env.BENCH_QUERIES);
const ids = {
  owner: process.env.BENCH_OWNER,
  business: process.env.BENCH_BUSINESS,
  conversation: process.env.BENCH_CONVERSATION,
};
const sizes = {
  inbox: Number(process.env.BENCH_INBOX_BYTES),
  conversation: Number(process.env.BENCH_CONVERSATION_BYTES),
};
const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };
const escape = (text) => String(text ?? "").replace(/[&<>"']/g, (sign) => SIGNS[sign]);
const two = (number) => String(number).padStart(2, "0");
const clock = (at) => `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
const time = (at) => `<time datetime="${at.toISOString()}" data-format="time">${clock(at)}</time>`;
const initials = (name) => name.split(" ").slice(0, 2).map((word) => word[0] ?? "").join("").toUpperCase();
const ticks = (status) =>
  `<span class="ticks ticks-${escape(status)}" role="img" aria-label="${escape(status)}" title="${escape(status)}">` +
  `<svg aria-hidden="true"><use href="/static/img/inbox.svg#checks"/></svg></span>`;

async function ask(query, session) {
  const values = query.names.map((name) => (name === "session" ? session : ids[name]));
  return (await pool.query(query.text, values)).rows;
}

const mark = (tag) =>
  `<span class="wf-tag"><svg class="wf-tag-dot" viewBox="0 0 8 8" aria-hidden="true"><circle cx="4" cy="4" r="4" fill="${
    escape(tag.color || "#868e96")
  }"/></svg><span dir="auto">${escape(tag.name)}</span></span>`;
const option = (tag) => `<option value="${tag.id}">${escape(tag.name)}</option>`;

function row(one, carried) {
  const name = one.name || one.push_name || one.phone_number || "Unknown person";
  const url = `/inbox/${one.id}/`;
  const number = one.number_name || one.number_phone || "New number";
  const assignee = one.full_name || one.email;
  return `<li class="inbox-row${one.unread_count ? " is-unread" : ""}" id="row-${one.id}" data-conversation="${one.id}"
 data-at="${one.last_message_at.toISOString()}" data-state="${escape(one.state)}" data-assigned="${one.assigned_to_id ?? ""}"
 data-unread="${one.unread_count}" data-last="${one.last_message_id ?? ""}" data-tags="${carried.map((tag) => tag.id).join(" ")}">
<a class="inbox-row-link" href="${url}" data-open><span class="avatar rounded-circle wf-avatar wf-hue-3" aria-hidden="true">${
    escape(initials(name))
  }</span><span class="inbox-row-body">
<span class="inbox-row-line"><span class="inbox-row-name" dir="auto">${escape(name)}</span>${time(one.last_message_at)}</span>
<span class="inbox-row-line"><span class="inbox-row-preview">${
    one.preview_direction === "outbound" ? `<span class="inbox-row-tick">${ticks(one.preview_status)}</span>` : ""
  }<span class="inbox-row-text" dir="auto">${escape(one.preview.slice(0, 120))}</span></span>${
    assignee ? `<span class="inbox-row-assignee" title="Assigned to ${escape(assignee)}">${escape(initials(assignee))}</span>` : ""
  }<span class="inbox-row-number" title="${escape(number)}" dir="auto">${escape(number)}</span>${
    one.unread_count ? `<span class="inbox-row-unread" aria-label="${one.unread_count} unread">${one.unread_count}</span>` : ""
  }</span>${
    carried.length ? `<span class="inbox-row-tags">${carried.slice(0, 3).map(mark).join("")}</span>` : ""
  }</span></a></li>`;
}

function bubble(one) {
  const out = one.direction === "outbound";
  const author = out ? one.full_name || one.email || "" : "";
  const file = one.media
    ? `<a class="message-file" href="/inbox/media/${one.media}/" download><span class="message-file-name" dir="auto">${
      escape(one.name)
    }</span><span class="message-file-size">${one.size}</span></a>`
    : "";
  return `<li class="message message-${out ? "out" : "in"}" id="message-${one.id}" data-message="${one.id}"
 data-at="${one.created_at.toISOString()}" data-wa="${escape(one.whatsapp_message_id)}" data-side="${out ? "out" : "in"}"
 data-author="${escape(author)}"><div class="message-bubble">${
    author ? `<div class="message-author" dir="auto">${escape(author)}</div>` : ""
  }${file}<div class="message-text" dir="auto">${escape(one.content)}</div><div class="message-meta">${time(one.created_at)}${
    out ? `<span id="ticks-${one.id}">${ticks(one.status)}</span>` : ""
  }</div>${out ? `<div class="message-note" id="note-${one.id}"></div>` : ""}</div><button type="button"
 class="message-reply" data-reply data-author="${escape(author || "You")}" data-text="${
    escape(one.content.slice(0, 140))
  }" aria-label="Reply to this message" title="Reply"></button></li>`;
}

function head(one) {
  return `<header class="chat-head" id="chat-head" data-state="${escape(one.state)}">${escape(one.name || one.push_name)}
 ${escape(one.phone_number)} ${escape(one.number_name)}</header><textarea name="text">${escape(one.draft)}</textarea>`;
}

async function page(request, response, name) {
  const session = (request.headers.cookie ?? "").trim();
  const [known, access] = [await ask(asked.signed_in.session, session), await ask(asked.signed_in.access)];
  if (!known.length || !access.length) return response.sendStatus(401);
  const wanted = Object.entries(asked[name]);
  const answers = await Promise.all(wanted.map(([, query]) => ask(query)));
  const found = Object.fromEntries(wanted.map(([key], place) => [key, answers[place]]));
  const tags = new Map(found.tags.map((one) => [one.id, one]));
  const carried = new Map();
  for (const one of found.tags) carried.set(one.contact_id, [...(carried.get(one.contact_id) ?? []), one]);
  const rows = found.list.slice(0, 50).map((one) => row(one, carried.get(one.contact_id) ?? []));
  let shown = `<nav>${escape(access[0].business_name)} ${found.frame[0].unread}</nav>${
    [...tags.values()].map(option).join("")
  }<ul>${rows.join("")}</ul>`;
  if (name === "conversation") {
    const team = found.team.map((one) => `<button value="${one.id}">${escape(one.full_name || one.email)}</button>`);
    const others = found.others.map((one) => `<a href="/inbox/${one.id}/">${time(one.last_message_at)}</a>`);
    shown += head(found.head[0]) + team.join("") + others.join("") + `<ol>${found.chat.slice(0, 30).reverse().map(bubble).join("")}</ol>`;
  }
  const around = "<i></i>".repeat(Math.max(0, Math.floor((sizes[name] - Buffer.byteLength(shown)) / 7)));
  response.type("html").send(`<!doctype html>${around}${shown}`);
}

const app = express();
app.disable("etag");
app.get("/livez", (_request, response) => response.send("ok"));
app.get("/inbox", (request, response) => page(request, response, "inbox"));
app.get("/conversation", (request, response) => page(request, response, "conversation"));
app.listen(Number(process.env.PORT), "127.0.0.1");
