// One node: its state, its series as charts, what it said, and what is known of its updates.
import * as chart from "./chart.js";
import {ask, clock, drawn, go, h, here, href, update} from "./dom.js";
import {badge, battery, release, signal} from "./overview.js";
import {age, ago, at, capital, plural, span, withUnit} from "./text.js";

const DAY_S = 86_400;
const RANGES = {"24h": ["24 h", DAY_S], "7d": ["7 d", 7 * DAY_S], "30d": ["30 d", 30 * DAY_S], "1y": ["1 y", 366 * DAY_S]};
const DEFAULT = "7d";
const MUTES = [["1 hour", 3_600], ["8 hours", 8 * 3_600], ["1 day", DAY_S], ["1 week", 7 * DAY_S], ["30 days", 30 * DAY_S]];
const GAPS_SHOWN = 4;
const STALE_S = 600; // a range up to now moves on after that, or with the next report

export const title = () => here().node;

let kept = {}; // the range that is shown

export async function load() {
  const {node, range, from, to} = here();
  const data = await ask("api/node", {node});
  const isFree = Number(from) < Number(to), now = Math.ceil(data.now);
  const name = isFree ? `${from} ${to}` : Object.hasOwn(RANGES, range) ? range : DEFAULT;
  const key = `${node} ${name} ${data.seen} ${data.seq}`;
  if (kept.key !== key || now - kept.since > STALE_S) {
    const [begin, end] = isFree ? [Number(from), Number(to)] : [now - RANGES[name][1], now];
    const gaps = kept.node === node && kept.name === name ? kept.gaps : [];
    kept = {key, name, node, since: now, from: begin, to: end, gaps, isWhole: false};
  }
  return {...data, range: kept};
}

// The charts come first; the gaps of a year take longer
export async function after(root, {range}) {
  await chart.follow(root, range);
  drawn();
  if (range.isWhole) return;
  const {node, from, to} = range;
  range.gaps = await ask("api/gaps", {node, from, to});
  range.isWhole = true;
  if (range !== kept) return;
  update(root.querySelector(".gaps"), gaps(range.gaps));
  chart.redraw();
}

export function draw(data, {may_change}) {
  const all = [...data.measurements, ...data.figures];
  const charts = (entries) => h("section.charts", null, entries.filter(chart.fits).map(card));
  return [
    head(data),
    ranges(data),
    data.measurements.some(chart.fits) ? charts(data.measurements) : h("p.nothing", null, "No measurements yet."),
    data.figures.some(chart.fits) && h("details.more", null, h("summary", null, "The node's own figures: signal, durations, counts"), charts(data.figures)),
    h("div.columns", null,
      h("section.gaps", {"data-keep": true}),
      list("Alarms", data.alarms.map((alarm) => [at(alarm.since), [alarm.until ? ["ended ", at(alarm.until), ": "] : "", alarm.text]])),
      list("Texts and causes", all.filter((entry) => !chart.fits(entry)).map((entry) => [age(entry.received), capital(entry.label), entry.shown])),
      list("Updates", updates(data.fleet || {})),
      list("Refused messages from its address", data.refused.map((each) => [at(each.received), each.protocol, each.reason])),
      may_change && muting(data)),
    h("p.exports", null, "Download as CSV: ", csv("what is shown", data, data.measurements), ", ", csv("everything", data)),
  ];
}

function csv(text, {node, range}, entries) {
  const address = entries ? href({node, from: range.from, to: range.to}) : href({node});
  const names = new Set((entries || []).map((entry) => `&name=${encodeURIComponent(entry.name)}`));
  return h("a", {href: "api/csv" + address + [...names].join(""), download: true}, text);
}

function head(data) {
  const fact = (name, ...value) => (value.flat().some((each) => each || each === 0) ? h("div", null, h("dt", null, name), h("dd", null, value)) : null);
  return h("section", null,
    h("h1", null, h("bdi", null, data.node || "(no name)"), badge(data.state)),
    h("p.since", null, since(data)),
    h("dl.facts", null,
      fact("Battery", battery(data)), fact("Signal", signal(data)), fact("Lost in 24 h", data.lost), fact("Release", release(data)),
      fact("Reports", data.period && `every ${span(data.period)}`), fact("Number", data.seq), fact("Boot", data.boot || null),
      fact("From", data.source && `${data.protocol}, ${data.source}`)));
}

function since({state, seen, period, muted}) {
  if (!seen) return "It is expected, and has never reported.";
  const last = [at(seen), `, ${ago(seen)}`];
  if (state === "silent") return ["Silent since ", at(seen), `, for ${span(clock.now() - seen)}.`];
  if (state === "late" && period) return [`It reports every ${span(period)}, but last `, last, "."];
  return [muted && state === "muted" ? ["Muted until ", at(muted), ". "] : null, "Last report ", last, "."];
}

function ranges({node, range}) {
  const local = (time_s) => new Date((time_s - new Date(time_s * 1000).getTimezoneOffset() * 60) * 1000).toISOString().slice(0, 16);
  const input = (name) => h("label", null, `${name} `, h("input", {type: "datetime-local", name, value: local(range[name]), required: true}));
  return h("div.tools", null,
    h("nav.filters", {"aria-label": "Range"}, Object.entries(RANGES).map(([name, [text]]) =>
      h("a", {href: href({node, range: name}), "aria-current": range.name === name && "true"}, text))),
    h("form.range", {"data-key": `range ${range.name}`, "data-keep": true}, input("from"), input("to"), h("button", null, "Show")));
}

export function showRange(form) {
  const [from, to] = ["from", "to"].map((name) => Math.round(new Date(form.elements[name].value) / 1000));
  go({node: here().node, from: Math.min(from, to), to: Math.max(from, to)});
}

function gaps(found) {
  const newest = [...found].reverse().map(({missing, from, to}) => h("li", null,
    missing ? `${plural(missing, "report")} missing from ` : "Nothing arrived from ", at(from), to === null ? " on" : [" to ", at(to)],
    missing === 0 ? ", and no number is missing" : ""));
  const rest = newest.slice(GAPS_SHOWN);
  return [newest.length && h("h2", null, "Gaps in this range"), h("ul", null, newest.slice(0, GAPS_SHOWN)),
    rest.length && h("details", null, h("summary", null, `${plural(rest.length, "gap")} before`), h("ul", null, rest))];
}

const card = (entry) => h("article.card", {"data-key": chart.keyOf(entry)}, chart.heading(entry),
  h("p.value", null, withUnit(entry.shown, entry.unit), h("small", null, age(entry.measured || entry.received))), chart.place(entry));

function list(name, rows) {
  return rows.length ? h("section", null, h("h2", null, name), h("table.list", null, h("tbody", null,
    rows.map((cells) => h("tr", null, cells.map((cell) => h("td", null, cell))))))) : null;
}

const WORDS = {release: "runs", offered: "is offered", progress: "has fetched", confirmed: "was told to keep", rejected: "rejected", cause: "because of", changed: "changed by hand"};
const updates = (fleet) => Object.entries(WORDS).filter(([key]) => (fleet[key] ?? null) !== null)
  .map(([key, text]) => [text, `${["cause", "changed", "progress"].includes(key) ? "" : "release "}${fleet[key]}${key === "progress" ? " %" : ""}`]);

function muting({node, state}) {
  const choice = h("select", {name: "seconds"}, MUTES.map(([text, seconds]) => h("option", {value: seconds}, text)));
  return h("section", null, h("h2", null, "Mute"), h("form.mute", {"data-key": `mute ${state === "muted"}`, "data-keep": true, "data-node": node},
    state === "muted" ? h("button", null, "End the mute") : [h("label", null, "No alarms of this node for ", choice), " ", h("button", null, "Mute")]));
}

export function mute(form) {
  const choice = form.elements.seconds;
  return ask("api/mute", {}, {node: form.dataset.node, until: choice ? Math.round(clock.now() + Number(choice.value)) : null});
}
