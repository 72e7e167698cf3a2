// The choice of appearance: at once on the page, then kept by the server; remembered here for pages without a user.

function remember(choice) {
  try {
    localStorage.setItem("whatsflow-theme", choice);
  } catch {
    // storage is blocked: the pages before login follow the system
  }
}

function show(choice) {
  document.documentElement.dataset.themeChoice = choice;
  document.dispatchEvent(new CustomEvent("theme:changed"));
  for (const button of document.querySelectorAll("[data-theme-form] [name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
  remember(choice);
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
  event.preventDefault();
  const body = new FormData(event.target, event.submitter);
  show(body.get("theme"));
  fetch(event.target.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => {});
});

const chosen = document.documentElement.dataset.themeChoice;
if (chosen) remember(chosen);
