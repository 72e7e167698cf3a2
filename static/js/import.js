// Importing contacts: dropping a file, and countries in the reader's own language.

const drop = document.querySelector("[data-drop]");
if (drop) {
  const input = drop.querySelector("input[type=file]");
  const words = drop.querySelector("[data-file-name]");
  const size = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
  const show = () => {
    const file = input.files[0];
    if (file) words.textContent = `${file.name} (${size.format(file.size / 1024 / 1024)} MB)`;
    drop.classList.toggle("has-file", Boolean(file));
  };
  input.addEventListener("change", show);
  for (const name of ["dragover", "dragenter"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    show();
  });
}

const countries = document.querySelector("[data-countries]");
if (countries) {
  const names = new Intl.DisplayNames(undefined, { type: "region" });
  const [none, ...options] = countries.options;
  const chosen = countries.value;
  for (const option of options) {
    const code = option.text.split(" ").pop();
    option.text = `${names.of(option.value)} (${code})`;
  }
  options.sort((one, other) => one.text.localeCompare(other.text));
  countries.replaceChildren(none, ...options);
  countries.value = chosen;
}
