// The page of the collector. Names, units and texts come from anybody who can send a datagram:
// they become text nodes, never markup.
"use strict";

const POLL_MS = 1000;
const POINTS_MAX = 500; // as in collector/readings.py
const REQUESTS_MAX = 4; // for series, at the same time
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320, HEIGHT = 104, LEFT = 4, RIGHT = 4, TOP = 16, BOTTOM = 16;

const byId = (id) => document.getElementById(id);
const cards = new Map(); // name -> {element, points, count, entry, stale, visible}
let version = null;
let clockOffset_s = 0; // what the collector's clock is ahead of this browser's

function append(parent, tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

function appendSvg(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// ---- texts

function clockText(seconds, span_s) {
  const date = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const hours = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (span_s > 86400) return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${hours}`;
  return span_s > 7200 ? hours : `${hours}:${two(date.getSeconds())}`;
}

function ageText(seconds) {
  if (seconds < 1.5) return "now";
  if (seconds < 100) return `${Math.round(seconds)} s ago`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
}

function numberText(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  return size >= 1e7 || size < 1e-4 ? number.toExponential(2) : String(Number(number.toPrecision(6)));
}

// ---- a chart

function drawChart(svg, points) {
  svg.replaceChildren();
  if (!points.length) return;
  let [low, high] = [Infinity, -Infinity];
  for (const [, y] of points) { low = Math.min(low, y); high = Math.max(high, y); }
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const right = WIDTH - RIGHT, floor = HEIGHT - BOTTOM;
  // halves, so that the difference of two huge numbers stays a number
  const part = (value, from, to) => to > from ? (value / 2 - from / 2) / (to / 2 - from / 2) : 0.5;
  const toPixel = ([x, y]) => [
    last > first ? LEFT + part(x, first, last) * (right - LEFT) : WIDTH / 2,
    floor - part(y, low, high) * (floor - TOP),
  ];
  const pixels = points.map(toPixel);
  const path = pixels.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  appendSvg(svg, "line", {class: "grid", x1: LEFT, x2: right, y1: floor, y2: floor});
  appendSvg(svg, "line", {class: "grid", x1: LEFT, x2: right, y1: TOP, y2: TOP});
  if (points.length > 1) {
    appendSvg(svg, "path", {class: "area", d: `M${pixels[0][0].toFixed(1)} ${floor}L${path}L${pixels[pixels.length - 1][0].toFixed(1)} ${floor}Z`});
    appendSvg(svg, "path", {class: "line", d: "M" + path, "data-points": points.length});
  }
  const [x, y] = pixels[pixels.length - 1];
  appendSvg(svg, "circle", {class: "dot", cx: x, cy: y, r: 3});
  appendSvg(svg, "text", {x: LEFT, y: TOP - 4}, high > low ? `max ${numberText(high)}` : numberText(high));
  if (high > low) appendSvg(svg, "text", {x: right, y: TOP - 4, "text-anchor": "end"}, `min ${numberText(low)}`);
  appendSvg(svg, "text", {x: LEFT, y: HEIGHT - 3}, clockText(first, last - first));
  if (last > first) appendSvg(svg, "text", {x: right, y: HEIGHT - 3, "text-anchor": "end"}, clockText(last, last - first));
  svg.pixels = pixels;
}

function showPoint(card, event) {
  const svg = card.svg, pixels = svg.pixels;
  hidePoint(card);
  if (!pixels || !pixels.length) return;
  const box = svg.getBoundingClientRect();
  const at = (event.clientX - box.left) / box.width * WIDTH;
  let best = 0;
  pixels.forEach(([x], number) => { if (Math.abs(x - at) < Math.abs(pixels[best][0] - at)) best = number; });
  appendSvg(svg, "circle", {class: "mark", cx: pixels[best][0], cy: pixels[best][1], r: 4});
  const [time, value] = card.points[best];
  card.meta.textContent = `${numberText(value)} at ${clockText(time, 0)}`;
  card.pointShown = true;
}

function hidePoint(card) {
  for (const mark of card.svg.querySelectorAll(".mark")) mark.remove();
  card.pointShown = false;
  showAge(card);
}

// ---- cards

const visibility = new IntersectionObserver((changes) => {
  for (const change of changes) {
    const card = cards.get(change.target.dataset.name);
    if (card) card.visible = change.isIntersecting;
  }
  loadSeries();
}, {rootMargin: "300px"});

function newCard(name) {
  const element = document.createElement("article");
  element.className = "card";
  element.dataset.name = name;
  const card = {element, name, points: [], count: 0, stale: true, loading: false, visible: false, pointShown: false};
  card.title = append(element, "h3");
  card.value = append(element, "p", "value");
  card.svg = appendSvg(element, "svg", {class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img"});
  card.meta = append(element, "p", "meta");
  card.svg.addEventListener("pointermove", (event) => showPoint(card, event));
  card.svg.addEventListener("pointerleave", () => hidePoint(card));
  visibility.observe(element);
  return card;
}

function fillCard(card, entry) {
  const fresh = card.count && entry.count !== card.count;
  card.stale = card.stale || entry.count !== card.count;
  card.entry = entry;
  card.count = entry.count;
  card.title.textContent = entry.name.slice(entry.base.length) || (entry.seq === null ? entry.name : "sequence number");
  card.title.title = entry.name;
  card.value.replaceChildren(entry.shown);
  card.value.classList.toggle("long", entry.shown.length > 18);
  if (entry.unit) append(card.value, "span", "", entry.unit);
  card.svg.toggleAttribute("hidden", !entry.charted);
  card.svg.style.display = entry.charted ? "" : "none";
  card.svg.setAttribute("aria-label", `chart of ${entry.name}`);
  showAge(card);
  if (fresh) {
    card.element.classList.remove("fresh");
    void card.element.offsetWidth; // so that the animation begins again
    card.element.classList.add("fresh");
  }
}

function showAge(card) {
  if (!card.entry || card.pointShown) return;
  const entry = card.entry;
  const now = Date.now() / 1000 + clockOffset_s;
  const received = ageText(now - entry.received);
  const late = entry.measured === null || Math.abs(entry.received - entry.measured) > 1;
  const measured = entry.measured === null ? "at an unknown time" : ageText(now - entry.measured);
  const when = late ? `measured ${measured}, received ${received}` : received;
  card.meta.textContent = `${when} · ${entry.protocol} · ${entry.source} · ${entry.count} in all`;
}

function layOut(entries) {
  const groups = new Map();
  for (const entry of entries) {
    if (!groups.has(entry.base)) groups.set(entry.base, []);
    groups.get(entry.base).push(entry);
  }
  const present = new Set(entries.map((entry) => entry.name));
  for (const [name, card] of cards) {
    if (present.has(name)) continue;
    visibility.unobserve(card.element);
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
      append(section, "h2");
      append(section, "div", "cards");
    }
    const next = place ? place.nextSibling : main.firstChild;
    if (section !== next) main.insertBefore(section, next);
    place = section;
    const heading = section.firstChild, grid = section.lastChild;
    const numbered = members.find((entry) => entry.seq !== null);
    heading.textContent = base.replace(/:$/, "") || "Without a sequence number";
    if (numbered) append(heading, "small", "", `report ${numbered.seq}`);
    let before = null;
    for (const entry of members) {
      let card = cards.get(entry.name);
      if (!card) cards.set(entry.name, card = newCard(entry.name));
      fillCard(card, entry);
      const follower = before ? before.nextSibling : grid.firstChild;
      if (card.element !== follower) grid.insertBefore(card.element, follower);
      before = card.element;
    }
  }
}

// ---- loading

async function getJson(path) {
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(8000)});
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

let loading = 0;

async function loadSeries() {
  for (const card of cards.values()) {
    if (loading >= REQUESTS_MAX) return;
    if (!card.stale || !card.visible || card.loading || !card.entry || !card.entry.charted) continue;
    card.stale = false;
    card.loading = true;
    loading += 1;
    getJson(`api/series?name=${encodeURIComponent(card.name)}`).then((series) => {
      card.points = series.points.slice(-POINTS_MAX);
      drawChart(card.svg, card.points);
    }, () => { card.stale = true; }).finally(() => { card.loading = false; loading -= 1; loadSeries(); });
  }
}

function showState(state) {
  clockOffset_s = state.now - Date.now() / 1000;
  byId("where").textContent = state.endpoints.join(", ");
  const list = byId("counters");
  list.replaceChildren();
  for (const [name, value, bad] of state.counters) {
    const pair = append(list, "div", bad && value ? "bad" : "");
    append(pair, "dt", "", name);
    append(pair, "dd", "", String(value));
  }
  const empty = !state.latest.length;
  byId("empty").hidden = !empty;
  byId("where").hidden = empty;
  byId("endpoints").replaceChildren(...state.endpoints.map((text) => append(null, "li", "", text)));
  showProblem(state.trouble);
  const problems = byId("problems");
  problems.hidden = !state.problems.length;
  problems.querySelector("summary").textContent = `Refused: the last ${state.problems.length}`;
  problems.querySelector("tbody").replaceChildren(...state.problems.map(([at, ...cells]) => {
    const row = append(null, "tr");
    for (const text of [clockText(at, 0), ...cells]) append(row, "td", "", text);
    return row;
  }));
}

// what each node runs and is offered, below its heading
function showFleet(nodes) {
  const columns = ["last seen", "release", "offered", "progress", "confirmed", "rejected", "cause", "changed"];
  const found = new Map(nodes.map((node) => [node.node, node]));
  for (const section of byId("boards").children) {
    const node = found.get(section.dataset.base.replace(/:$/, ""));
    const old = section.querySelector(".fleet");
    if (!node) { if (old) old.remove(); continue; }
    const table = append(null, "table", "fleet");
    const [head, row] = [append(append(table, "thead"), "tr"), append(append(table, "tbody"), "tr")];
    const now = Date.now() / 1000 + clockOffset_s;
    for (const name of columns) {
      const value = node[name.replace(" ", "_")];
      append(head, "th", "", name);
      append(row, "td", "", value === null ? "" : name === "last seen" ? ageText(now - value / 1000) : name === "progress" ? `${value} %` : String(value));
    }
    if (old) old.replaceWith(table); else section.insertBefore(table, section.children[1]);
  }
}

function showProblem(text) {
  byId("trouble").hidden = !text;
  byId("trouble").textContent = text;
}

async function poll() {
  try {
    const state = await getJson("api/latest");
    showState(state);
    if (state.version !== version) layOut(state.latest);
    version = state.version;
    showFleet(state.fleet);
    for (const card of cards.values()) showAge(card);
    loadSeries();
  } catch (error) {
    showProblem(`The collector does not answer (${error.message}); trying again.`);
  }
  setTimeout(poll, document.hidden ? 5 * POLL_MS : POLL_MS);
}

poll();
