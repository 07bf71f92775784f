// Times as people read them, in the page's language; no words of its own.

const DAY_MS = 86_400_000;

const localeOf = (language) => (language === "zh" ? "zh-CN" : "en-GB");

export function clockTime(ms, language) {
  const format = { hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(localeOf(language), format).format(ms);
}

/** "Today", "Yesterday" or the date. */
export function dayName(ms, language, nowMs = Date.now()) {
  const days = Math.round((midnight(ms) - midnight(nowMs)) / DAY_MS);
  if (days === 0 || days === -1) {
    const words = new Intl.RelativeTimeFormat(localeOf(language), { numeric: "auto" });
    const name = words.format(days, "day");
    return name[0].toUpperCase() + name.slice(1);
  }
  const format = { weekday: "long", day: "numeric", month: "long" };
  if (new Date(ms).getFullYear() !== new Date(nowMs).getFullYear()) format.year = "numeric";
  return new Intl.DateTimeFormat(localeOf(language), format).format(ms);
}

/** The time for today, otherwise a short date. */
export function shortTime(ms, language, nowMs = Date.now()) {
  if (midnight(ms) === midnight(nowMs)) return clockTime(ms, language);
  return new Intl.DateTimeFormat(localeOf(language), { day: "numeric", month: "short" }).format(ms);
}

export function midnight(ms) {
  return new Date(ms).setHours(0, 0, 0, 0);
}
