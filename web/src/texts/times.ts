// Moments as people say them.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "5 min. ago", "yesterday"; from a week on the date. Times a little ahead (clock skew) are "now". */
export function tellTime(iso: string, now: number, locale?: string): string {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return '';
  const seconds = Math.round((now - then) / 1000);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  if (seconds < 45) return relative.format(0, 'second');
  if (seconds < HOUR) return relative.format(-Math.max(1, Math.round(seconds / MINUTE)), 'minute');
  if (seconds < DAY) return relative.format(-Math.round(seconds / HOUR), 'hour');
  if (seconds < 7 * DAY) return relative.format(-Math.round(seconds / DAY), 'day');
  return new Date(then).toLocaleDateString(locale, dateForm(then, now));
}

export function tellFullTime(iso: string, locale?: string): string {
  const then = new Date(iso);
  return Number.isNaN(then.getTime())
    ? ''
    : then.toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short' });
}

/** A place in a video: "0:07", "1:02:03". */
export function tellPlace(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / HOUR), Math.floor((whole % HOUR) / MINUTE)];
  const rest = pad(whole % MINUTE);
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

const pad = (part: number): string => String(part).padStart(2, '0');

function dateForm(then: number, now: number): Intl.DateTimeFormatOptions {
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  const form: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' };
  return sameYear ? form : { ...form, year: 'numeric' };
}
