// The page of the collector. Names, units and texts come from anybody who can send a datagram:
// they only ever become text nodes, never markup.
"use strict";

const POLL_MS = 1000;
const POINTS_MAX = 500; // as in collector/readings.py
const AT_ONCE = 4; // requests for series
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320, HEIGHT = 104, LEFT = 4, RIGHT = 4, TOP = 16, BOTTOM = 16;

const byId = (id) => document.getElementById(id);
const cards = new Map(); // name -> {element, points, count, entry, wanted, visible}
let version = null;
let skew_s = 0; // of this browser's clock against the collector's

function made(parent, tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

function drawn(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// ---- texts

function clock(seconds, spanned_s) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (spanned_s > 86400) return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${hours}`;
  return spanned_s > 7200 ? hours : `${hours}:${two(date.getSeconds())}`;
}

function age(seconds) {
  if (seconds < 1.5) return "now";
  if (seconds < 100) return `${Math.round(seconds)} s ago`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
}

function short(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  return size >= 1e7 || size < 1e-4 ? number.toExponential(2) : String(Number(number.toPrecision(6)));
}

// ---- a chart

function chart(svg, points) {
  svg.replaceChildren();
  if (!points.length) return;
  let [low, high] = [Infinity, -Infinity];
  for (const [, y] of points) { low = Math.min(low, y); high = Math.max(high, y); }
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const right = WIDTH - RIGHT, floor = HEIGHT - BOTTOM;
  // halves, so that the difference of two huge numbers stays a number
  const part = (value, from, to) => to > from ? (value / 2 - from / 2) / (to / 2 - from / 2) : 0.5;
  const place = ([x, y]) => [
    last > first ? LEFT + part(x, first, last) * (right - LEFT) : WIDTH / 2,
    floor - part(y, low, high) * (floor - TOP),
  ];
  const places = points.map(place);
  const path = places.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  drawn(svg, "line", {class: "grid", x1: LEFT, x2: right, y1: floor, y2: floor});
  drawn(svg, "line", {class: "grid", x1: LEFT, x2: right, y1: TOP, y2: TOP});
  if (points.length > 1) {
    drawn(svg, "path", {class: "area", d: `M${places[0][0].toFixed(1)} ${floor}L${path}L${places[places.length - 1][0].toFixed(1)} ${floor}Z`});
    drawn(svg, "path", {class: "line", d: "M" + path, "data-points": points.length});
  }
  const [x, y] = places[places.length - 1];
  drawn(svg, "circle", {class: "dot", cx: x, cy: y, r: 3});
  drawn(svg, "text", {x: LEFT, y: TOP - 4}, high > low ? `max ${short(high)}` : short(high));
  if (high > low) drawn(svg, "text", {x: right, y: TOP - 4, "text-anchor": "end"}, `min ${short(low)}`);
  drawn(svg, "text", {x: LEFT, y: HEIGHT - 3}, clock(first, last - first));
  if (last > first) drawn(svg, "text", {x: right, y: HEIGHT - 3, "text-anchor": "end"}, clock(last, last - first));
  svg.places = places;
}

function point(card, event) {
  const svg = card.svg, places = svg.places;
  unpoint(card);
  if (!places || !places.length) return;
  const box = svg.getBoundingClientRect();
  const at = (event.clientX - box.left) / box.width * WIDTH;
  let best = 0;
  places.forEach(([x], number) => { if (Math.abs(x - at) < Math.abs(places[best][0] - at)) best = number; });
  drawn(svg, "circle", {class: "mark", cx: places[best][0], cy: places[best][1], r: 4});
  const [time, value] = card.points[best];
  card.meta.textContent = `${short(value)} at ${clock(time, 0)}`;
  card.pointed = true;
}

function unpoint(card) {
  for (const mark of card.svg.querySelectorAll(".mark")) mark.remove();
  card.pointed = false;
  tellAge(card);
}

// ---- cards

const seen = new IntersectionObserver((changes) => {
  for (const change of changes) {
    const card = cards.get(change.target.dataset.name);
    if (card) card.visible = change.isIntersecting;
  }
  load();
}, {rootMargin: "300px"});

function newCard(name) {
  const element = document.createElement("article");
  element.className = "card";
  element.dataset.name = name;
  const card = {element, name, points: [], count: 0, wanted: true, loading: false, visible: false, pointed: false};
  card.title = made(element, "h3");
  card.value = made(element, "p", "value");
  card.svg = drawn(element, "svg", {class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img"});
  card.meta = made(element, "p", "meta");
  card.svg.addEventListener("pointermove", (event) => point(card, event));
  card.svg.addEventListener("pointerleave", () => unpoint(card));
  seen.observe(element);
  return card;
}

function fill(card, entry) {
  const fresh = card.count && entry.count !== card.count;
  card.wanted = card.wanted || entry.count !== card.count;
  card.entry = entry;
  card.count = entry.count;
  card.title.textContent = entry.name.slice(entry.base.length) || "sequence number";
  card.title.title = entry.name;
  card.value.replaceChildren(entry.shown);
  card.value.classList.toggle("long", entry.shown.length > 18);
  if (entry.unit) made(card.value, "span", "", entry.unit);
  card.svg.toggleAttribute("hidden", !entry.charted);
  card.svg.style.display = entry.charted ? "" : "none";
  card.svg.setAttribute("aria-label", `chart of ${entry.name}`);
  tellAge(card);
  if (fresh) {
    card.element.classList.remove("fresh");
    void card.element.offsetWidth; // so that the animation begins again
    card.element.classList.add("fresh");
  }
}

function tellAge(card) {
  if (!card.entry || card.pointed) return;
  const entry = card.entry;
  const old = Date.now() / 1000 + skew_s - entry.at;
  card.meta.textContent = `${age(old)} · ${entry.protocol} · ${entry.source} · ${entry.count} in all`;
}

function arrange(entries) {
  const groups = new Map();
  for (const entry of entries) {
    if (!groups.has(entry.base)) groups.set(entry.base, []);
    groups.get(entry.base).push(entry);
  }
  const present = new Set(entries.map((entry) => entry.name));
  for (const [name, card] of cards) {
    if (present.has(name)) continue;
    seen.unobserve(card.element);
    card.element.remove();
    cards.delete(name);
  }
  const main = byId("boards");
  const sections = new Map([...main.children].map((section) => [section.dataset.base, section]));
  for (const [base, section] of sections) if (!groups.has(base)) section.remove();
  let place = null;
  for (const [base, members] of groups) {
    let section = sections.get(base);
    if (!section) {
      section = document.createElement("section");
      section.dataset.base = base;
      made(section, "h2");
      made(section, "div", "cards");
    }
    const next = place ? place.nextSibling : main.firstChild;
    if (section !== next) main.insertBefore(section, next);
    place = section;
    const [heading, grid] = section.children;
    const numbered = members.find((entry) => entry.seq !== null);
    heading.textContent = base.replace(/:$/, "") || "Without a sequence number";
    if (numbered) made(heading, "small", "", `report ${numbered.seq}`);
    let before = null;
    for (const entry of members) {
      let card = cards.get(entry.name);
      if (!card) cards.set(entry.name, card = newCard(entry.name));
      fill(card, entry);
      const follower = before ? before.nextSibling : grid.firstChild;
      if (card.element !== follower) grid.insertBefore(card.element, follower);
      before = card.element;
    }
  }
}

// ---- loading

async function asked(path) {
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(8000)});
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

let loading = 0;

async function load() {
  for (const card of cards.values()) {
    if (loading >= AT_ONCE) return;
    if (!card.wanted || !card.visible || card.loading || !card.entry || !card.entry.charted) continue;
    card.wanted = false;
    card.loading = true;
    loading += 1;
    asked(`api/series?name=${encodeURIComponent(card.name)}`).then((series) => {
      card.points = series.points.slice(-POINTS_MAX);
      chart(card.svg, card.points);
    }, () => { card.wanted = true; }).finally(() => { card.loading = false; loading -= 1; load(); });
  }
}

function tell(state) {
  skew_s = state.now - Date.now() / 1000;
  byId("where").textContent = state.endpoints.join(", ");
  const list = byId("counters");
  list.replaceChildren();
  for (const [name, value, bad] of state.counters) {
    const pair = made(list, "div", bad && value ? "bad" : "");
    made(pair, "dt", "", name);
    made(pair, "dd", "", String(value));
  }
  const empty = !state.latest.length;
  byId("empty").hidden = !empty;
  byId("where").hidden = empty;
  byId("endpoints").replaceChildren(...state.endpoints.map((text) => made(null, "li", "", text)));
  trouble(state.trouble);
  const problems = byId("problems");
  problems.hidden = !state.problems.length;
  problems.querySelector("summary").textContent = `Refused: the last ${state.problems.length}`;
  problems.querySelector("tbody").replaceChildren(...state.problems.map(([at, ...cells]) => {
    const row = made(null, "tr");
    for (const text of [clock(at, 0), ...cells]) made(row, "td", "", text);
    return row;
  }));
}

function trouble(text) {
  byId("trouble").hidden = !text;
  byId("trouble").textContent = text;
}

async function poll() {
  try {
    const state = await asked("api/latest");
    tell(state);
    if (state.version !== version) arrange(state.latest);
    version = state.version;
    for (const card of cards.values()) tellAge(card);
    load();
  } catch (error) {
    trouble(`The collector does not answer (${error.message}); trying again.`);
  }
  setTimeout(poll, document.hidden ? 5 * POLL_MS : POLL_MS);
}

poll();
