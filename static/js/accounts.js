// Tells a new account's time zone, as the browser knows it, and proposes a new business's country by it.

const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

for (const field of document.querySelectorAll("[data-browser-time-zone]")) {
  field.value ||= browserZone;
}

for (const zones of document.querySelectorAll("[data-propose-country]")) {
  const countries = document.getElementById(zones.dataset.proposeCountry);
  const countryOf = (name) => [...zones.options].find((option) => option.value === name)?.dataset.country;
  const propose = (name) => {
    if (countryOf(name)) countries.value = countryOf(name);
  };
  let chosen = false;
  countries.addEventListener("change", () => (chosen = true));
  zones.addEventListener("change", () => chosen || propose(zones.value));
  if (zones.value === "UTC" && countryOf(browserZone)) zones.value = browserZone;
  propose(browserZone);
}
