// Tells a new account's time zone, as the browser knows it.

for (const field of document.querySelectorAll("[data-browser-time-zone]")) {
  field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}
