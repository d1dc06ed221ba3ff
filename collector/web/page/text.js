// Times, numbers and units in words.
import {clock, h} from "./dom.js";

const two = (number) => String(number).padStart(2, "0");

export function clockTime(time_s) {
  const date = new Date(time_s * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function when(time_s) {
  const date = new Date(time_s * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(time_s)}`;
}

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s} s`;
  if (s < 100 * 60) return `${Math.round(s / 60)} min`;
  return s < 48 * 3600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
}

export const ago = (time_s) => (clock.now() - time_s < 3 ? "now" : `${span(clock.now() - time_s)} ago`);

// an age that tells the time when pointed at, and a time that tells its age
export const age = (time_s) => (time_s ? h("time", {datetime: iso(time_s), title: when(time_s)}, ago(time_s)) : h("span.soft", null, "never"));
export const at = (time_s) => h("time", {datetime: iso(time_s), title: ago(time_s)}, when(time_s));
const iso = (time_s) => new Date(time_s * 1000).toISOString();

export function zone() {
  const minutes = -new Date().getTimezoneOffset(), size = Math.abs(minutes);
  const offset = `UTC${minutes < 0 ? "\u2212" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone} (${offset})`;
}

// a number with as many decimals as differences of `range` need
export function number(value, range = 0) {
  if (value === null) return "";
  const size = range || Math.abs(value) / 30;
  const digits = size ? Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size)))) : 0;
  const text = Math.abs(value) < 1e9 ? String(Number(value.toFixed(digits))) : value.toExponential(3);
  return text.replaceAll("-", "\u2212");
}

const UNITS = { // of SenML: sign, words
  Cel: ["°C", "degrees Celsius"], "%RH": ["%", "percent relative humidity"], "%": ["%", "percent"], "/": ["", "a ratio"],
  V: ["V", "volts"], A: ["A", "amperes"], mA: ["mA", "milliamperes"], W: ["W", "watts"], lx: ["lx", "lux"],
  Pa: ["Pa", "pascals"], hPa: ["hPa", "hectopascals"], ppm: ["ppm", "parts per million"], "S/m": ["S/m", "siemens per metre"],
  dBm: ["dBm", "decibels above 1 mW"], dB: ["dB", "decibels"], ms: ["ms", "milliseconds"], s: ["s", "seconds"],
  m: ["m", "metres"], mm: ["mm", "millimetres"], kg: ["kg", "kilograms"], Ohm: ["Ω", "ohms"], count: ["", "a count"],
};
const unitOf = (unit) => (Object.hasOwn(UNITS, unit) ? UNITS[unit] : [unit || "", unit || ""]);
export const unitWords = (unit) => unitOf(unit)[1];
export const withUnit = (text, unit) => text + (unitOf(unit)[0] ? "\u202f" + unitOf(unit)[0] : "");
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
