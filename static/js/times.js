// Every <time data-format> in the user's zone, in the words of the server's `local_time`, kept true while the page is open.

const root = document.documentElement;
const zone = root.dataset.timeZone || undefined;

function formatter(options) {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
  } catch {
    return new Intl.DateTimeFormat("en-GB", options); // the browser does not know the zone
  }
}

const clock = formatter({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const parts = formatter({ year: "numeric", month: "short", day: "numeric", weekday: "long" });
const longMonth = formatter({ month: "long" });

function partsOf(date) {
  const found = Object.fromEntries(parts.formatToParts(date).map((part) => [part.type, part.value]));
  // English texts of the server use three letters for every month; en-GB writes "Sept".
  return { ...found, month: found.month.slice(0, 3), monthLong: longMonth.format(date) };
}

function dayNumber(date) {
  const { year, month, day } = partsOf(date);
  return Date.parse(`${day} ${month} ${year} UTC`) / 86_400_000;
}

function relative(date, now) {
  const minutes = (now - date) / 60_000;
  if (minutes >= 0 && minutes < 60) return minutes < 1 ? "now" : `${Math.floor(minutes)} min`;
  const days = dayNumber(now) - dayNumber(date);
  const of = partsOf(date);
  if (days === 0) return clock.format(date);
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return of.weekday.slice(0, 3);
  return of.year === partsOf(now).year ? `${of.day} ${of.month}` : `${of.day} ${of.month} ${of.year}`;
}

function day(date, now) {
  const days = dayNumber(now) - dayNumber(date);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const of = partsOf(date);
  const text = `${of.weekday}, ${of.day} ${of.monthLong}`;
  return of.year === partsOf(now).year ? text : `${text} ${of.year}`;
}

function full(date) {
  const of = partsOf(date);
  return `${of.day} ${of.month} ${of.year}, ${clock.format(date)}`;
}

/** The words for `date` (a Date). style: time, day, relative or full. */
export function words(date, style, now = new Date()) {
  if (style === "time") return clock.format(date);
  if (style === "day") return day(date, now);
  return style === "full" ? full(date) : relative(date, now);
}

/** Write every time below `where` anew. */
export function refresh(where = document) {
  const now = new Date();
  for (const element of where.querySelectorAll("time[data-format]")) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const text = words(date, element.dataset.format, now);
    if (element.textContent !== text) element.textContent = text;
    if (!element.title && element.dataset.format !== "full") element.title = full(date);
  }
}

refresh();
setInterval(() => document.hidden || refresh(), 30_000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
document.addEventListener("htmx:load", (event) => refresh(event.target.parentElement ?? document));
