/* The line to the server: calls go out as requests, what happens comes in as one numbered stream. */
"use strict";

const Wire = {
  page: "",

  async call(name, body = {}) {
    const answer = await fetch(`/wire/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Page": Wire.page },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer.json();
  },

  async upload(blob) {
    const answer = await fetch("/wire/upload", { method: "POST", headers: { "X-Page": Wire.page }, body: blob });
    return (await answer.json()).media;
  },

  async download(media) {
    const answer = await fetch(`/media/${media}`, { headers: { "X-Page": Wire.page } });
    if (!answer.ok) throw new Error(`media: ${answer.status}`);
    return answer.blob();
  },

  listen(handlers) {
    const stream = new EventSource(`/events?page=${Wire.page}`);
    let order = Promise.resolve();
    stream.onmessage = (message) => {
      const event = JSON.parse(message.data);
      order = order.then(() => handlers[event.kind](event)).catch((error) => console.error("stand-in", error));
    };
    return stream;
  },
};
