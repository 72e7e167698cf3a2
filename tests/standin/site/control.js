/* The phone for people: draws what the server says twice a second and passes the buttons on. */
const byId = (id) => document.getElementById(id);
const TICKS = { "-1": "refused", 0: "waiting", 1: "sent", 2: "delivered", 3: "read", 4: "played" };
let drawn = "";

function line(message) {
  const item = document.createElement("li");
  const note = document.createElement("small");
  item.className = message.mine ? "mine" : "";
  const state = message.mine ? TICKS[message.ack] : message.seen ? "seen by the business" : "unseen";
  note.textContent = `${message.time} ${message.who}, ${state}${message.copies > 1 ? `, came ${message.copies} times` : ""}`;
  item.append(message.text, document.createElement("br"), note);
  return item;
}

function draw({ phones, customer }) {
  const select = byId("phone");
  const chosen = select.value || phones[0].number;
  select.replaceChildren(...phones.map(({ number }) => new Option(number, number, false, number === chosen)));
  byId("who").value ||= customer;
  const phone = phones.find(({ number }) => number === chosen);
  const shown = phone.qr ? "A QR code is on show." : "No QR code is on show.";
  const code = phone.code ? ` The pairing code on show is ${phone.code}.` : "";
  byId("linked").textContent = phone.linked ? "A device is linked." : `No device is linked. ${shown}${code}`;
  if (JSON.stringify(phone.messages) === drawn) return;
  drawn = JSON.stringify(phone.messages);
  byId("messages").replaceChildren(...phone.messages.map(line));
  byId("messages").scrollTop = byId("messages").scrollHeight;
}

async function act(action, fields) {
  const body = JSON.stringify({ phone: byId("phone").value, who: byId("who").value, ...fields });
  const answer = await fetch(`/do/${action}`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  byId("status").textContent = (await answer.json()).problem;
  await refresh();
}

async function refresh() {
  draw(await (await fetch("/state")).json());
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await act(form.dataset.do, Object.fromEntries(new FormData(form)));
  for (const name of ["text", "code", "number"]) if (form.elements[name]) form.elements[name].value = "";
});
document.addEventListener("click", (event) => {
  const { do: action } = event.target.dataset;
  if (action && event.target.tagName === "BUTTON") act(action, {});
});
setInterval(() => refresh().catch(() => { byId("status").textContent = "The stand-in has stopped."; }), 500);
refresh();
