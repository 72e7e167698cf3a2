// Charts of the figures: each one draws the table beside it, so the two cannot differ. Colours follow the theme.

const charts = new Map();
const PALETTE = ["--wf-chart-1", "--wf-chart-2", "--wf-chart-3"];

function colour(name) {
  // light-dark() is resolved by the browser only for real properties: ask an element that has it.
  const probe = document.createElement("span");
  probe.className = "wf-colour-probe";
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.round((seconds / 3600) * 10) / 10} h`;
  return `${Math.round((seconds / 86400) * 10) / 10} d`;
}

// Steps of a scale of durations that people know from clocks and calendars.
const STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800];
const FAR_APART = 30;

// Minutes beside days: on an even scale the minutes would lie on the axis. Then each step is a multiple of the last.
function durations(series) {
  const known = series.flatMap((one) => one.data).filter((value) => value !== null).map((value) => Math.max(1, value));
  const top = Math.max(1, ...known);
  const low = Math.min(top, ...known);
  if (top / low < FAR_APART) return { beginAtZero: true, steps: { stepSize: STEPS.find((one) => top / one <= 6) ?? STEPS.at(-1) } };
  const least = STEPS.findLast((one) => one <= low) ?? 1;
  const most = STEPS.find((one) => one >= top) ?? top;
  const between = STEPS.filter((one) => one >= least && one <= most);
  const every = Math.ceil(between.length / 7);
  const ticks = between.filter((one, index) => index % every === 0).map((value) => ({ value }));
  return { type: "logarithmic", min: least, max: most, afterBuildTicks: (axis) => { axis.ticks = ticks; }, steps: {} };
}

const FORMATS = {
  number: (value) => value.toLocaleString("en"),
  share: (value) => `${Math.round(value * 100)} %`,
  duration,
};

// Labels and series of the table of a section.
function read(section) {
  const table = section.querySelector("[data-chart-table]");
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const labels = rows.map((row) => row.cells[0].textContent);
  const series = heads
    .map((head, index) => ({ head, index }))
    .filter(({ head, index }) => index > 0 && head.dataset.undrawn === undefined)
    .map(({ head, index }) => ({
      label: head.textContent,
      data: rows.map((row) => (row.cells[index].dataset.value === "" ? null : Number(row.cells[index].dataset.value))),
    }));
  return { labels, series };
}

function draw(section) {
  const canvas = section.querySelector("canvas");
  if (!canvas || !window.Chart) return;
  charts.get(canvas)?.destroy();
  charts.set(canvas, new window.Chart(canvas, config(section)));
}

function config(section) {
  const { labels, series } = read(section);
  const format = FORMATS[section.dataset.kind] ?? FORMATS.number;
  const kind = section.dataset.chart;
  const lying = kind === "bars";
  const text = colour("--tblr-secondary");
  const grid = { color: colour("--tblr-border-color"), drawTicks: false };
  const { steps, ...scale } = section.dataset.kind === "duration" ? durations(series) : { beginAtZero: true, steps: { maxTicksLimit: 6 } };
  const counts = { ...scale, grid, border: { display: false }, ticks: { color: text, precision: 0, callback: format, ...steps } };
  const names = { grid: { display: false }, border: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 } };
  return {
    type: kind === "line" ? "line" : "bar",
    data: { labels, datasets: series.map((one, index) => dataset(one, colour(PALETTE[index % PALETTE.length]), kind)) },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: lying ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: lying ? "y" : "x" },
      scales: lying ? { x: counts, y: names } : { x: names, y: counts },
      plugins: {
        legend: { display: series.length > 1, align: "end", labels: { color: text, boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 3 } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${item.raw === null ? "–" : format(item.raw)}` } },
      },
    },
  };
}

function dataset(one, shade, kind) {
  const common = { label: one.label, data: one.data, backgroundColor: shade, borderColor: shade };
  if (kind === "line") return { ...common, borderWidth: 2, pointRadius: one.data.length > 31 ? 0 : 2, tension: 0.25, spanGaps: true };
  return { ...common, borderRadius: 3, maxBarThickness: 36 };
}

function drawAll() {
  for (const canvas of charts.keys()) {
    if (!canvas.isConnected) {
      charts.get(canvas).destroy();
      charts.delete(canvas);
    }
  }
  for (const section of document.querySelectorAll("[data-chart]")) draw(section);
}

// The choice "Dates…" shows two fields; every other one is asked for at once.
document.addEventListener("change", (event) => {
  const choice = event.target.closest("[data-range-choice]");
  if (!choice) return;
  const custom = choice.value === "custom";
  choice.form.querySelector("[data-range-dates]").hidden = !custom;
  if (custom) choice.form.elements.from.focus();
  else choice.form.requestSubmit();
});

// Dates that are hidden are not asked for.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("[data-range]")) return;
  if (event.formData.get("range") !== "custom") {
    event.formData.delete("from");
    event.formData.delete("to");
  }
  if (event.formData.get("group") === "") event.formData.delete("group");
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// On paper every table is open, and charts have the paper's width.
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll(".wf-chart-details:not([open])")];
  for (const one of closed) one.open = true;
  for (const chart of charts.values()) chart.resize();
});
window.addEventListener("afterprint", () => {
  for (const one of closed) one.open = false;
  for (const chart of charts.values()) chart.resize();
});

new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
drawAll();
