// Charts of a node, drawn when they come into view. Their cursors move together.
import {ask, go, h, here} from "./dom.js";
import {capital, clockTime, number, plural, unitWords, when, withUnit} from "./text.js";

const HEIGHT = 150;
const plots = new Map(); // element -> {chart, data, stale, visible}
let shown = {}; // the range: {key, node, from, to, gaps}

const visibility = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) if (plots.has(target)) plots.get(target).visible = isIntersecting;
  loadVisible();
}, {rootMargin: "120px"});
const sizes = new ResizeObserver((entries) => {
  for (const {target} of entries) {
    const {chart} = plots.get(target) || {};
    if (chart && chart.width !== target.clientWidth) chart.setSize({width: target.clientWidth, height: HEIGHT});
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [element, plot] of plots) if (plot.data) drawPlot(element, plot);
});

export const fits = ({kind}) => ["number", "sum", "bool"].includes(kind);
export const keyOf = ({name, unit, kind}) => `${name} ${unit || ""} ${kind}`;

export const heading = ({label, name, unit}) => h("h3", null, capital(label),
  h("small", null, h("bdi", null, name), unit ? `, ${unitWords(unit)}` : ""));

export function redraw() {
  for (const {chart} of plots.values()) if (chart) chart.redraw();
}

// Where a chart will be; a refresh leaves it alone
export const place = (entry) => h("div.plot", {
  "data-key": keyOf(entry), "data-keep": true, "data-name": entry.name, "data-unit": entry.unit || "",
  tabindex: 0, role: "group", "aria-label": `Chart of ${entry.label}`,
}, h("p.readout", {"aria-live": "polite"}, "\u00a0"));

// Draw what is at the places below `root`; another key of the range is news of the node
export function follow(root, range) {
  const isNew = shown.key !== range.key || shown.to !== range.to;
  shown = range;
  const present = new Set(root.querySelectorAll(".plot"));
  for (const [element, {chart}] of plots) {
    if (present.has(element)) continue;
    if (chart) chart.destroy();
    for (const observer of [visibility, sizes]) observer.unobserve(element);
    plots.delete(element);
  }
  for (const element of present) {
    if (plots.has(element)) plots.get(element).stale ||= isNew;
    else begin(element);
  }
  return loadVisible();
}

function begin(element) {
  const visible = element.checkVisibility() && element.getBoundingClientRect().top < innerHeight;
  plots.set(element, {stale: true, visible}); // the observer comes a frame later
  for (const observer of [visibility, sizes]) observer.observe(element);
  element.addEventListener("keydown", moveCursor);
}

async function loadVisible() {
  await Promise.all([...plots].filter(([, plot]) => plot.visible && plot.stale).map(([element, plot]) => load(element, plot)));
}

async function load(element, plot) {
  const {node, from, to} = shown, {name, unit} = element.dataset;
  plot.stale = false;
  try {
    const points = Math.min(750, Math.max(60, Math.round(element.clientWidth / 2)));
    plot.data = await ask("api/series", {node, name, unit, from, to, points});
    if (plots.get(element) === plot) drawPlot(element, plot);
  } catch (error) {
    plot.stale = true; // the next refresh tries again
  }
}

function drawPlot(element, plot) {
  const {data} = plot, readout = element.firstChild, style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name);
  const several = data.count.some((count) => count > 1); // values at one point
  const [least, most] = [Math.min, Math.max].map((of, index) => of(...(index ? data.max : data.min).filter((value) => value !== null)));
  const range = most - least, summary = summaryOf(data, least, most);
  if (plot.chart) plot.chart.destroy();
  plot.chart = null;
  readout.textContent = summary;
  element.setAttribute("aria-label", `Chart of ${data.label}: ${summary}`);
  element.classList.toggle("nothing", !data.times.length);
  if (!data.times.length) return;
  const axis = {stroke: colour("--soft"), font: `11px ${style.fontFamily}`, grid: {stroke: colour("--line"), width: 1}, ticks: {show: false}};
  const edge = {stroke: "transparent", points: {show: false}};
  const margin = Math.max(range * 0.08, Math.abs(most) * 0.002, 0.005); // noise of the last digit does not fill it
  plot.chart = new uPlot({
    width: element.clientWidth, height: HEIGHT, legend: {show: false}, padding: [6, 6, 0, 0],
    scales: {x: {range: [shown.from, shown.to]}, y: {range: [least - margin, most + margin]}},
    series: [{}, {stroke: colour("--chart"), width: 1.5}, ...(several ? [edge, edge] : [])],
    bands: several ? [{series: [2, 3], fill: colour("--band")}] : [],
    axes: [{...axis, space: 70, size: 24, values: timesOf}, {...axis, space: 32, size: 44, values: (_, at) => at.map((value) => number(value, range))}],
    cursor: {sync: {key: "node"}, y: false, drag: {setScale: false}, points: {size: 7}},
    hooks: {
      drawClear: [(chart) => shadeGaps(chart, colour("--gap"))],
      setCursor: [(chart) => { readout.textContent = readingAt(data, chart.cursor.idx, range) || summary; }],
      setSelect: [zoom],
    },
  }, several ? [data.times, data.mean, data.max, data.min] : [data.times, data.mean], element);
}

function summaryOf({count, mean, unit}, least, most) {
  const total = count.reduce((sum, each) => sum + each, 0);
  if (!total) return "Nothing in this range";
  const sum = mean.reduce((before, each, index) => before + each * count[index], 0);
  const text = (value) => number(value, most - least);
  return `mean ${withUnit(text(sum / total), unit)}, ${text(least)} to ${text(most)}, ${plural(total, "value")}`;
}

function readingAt({times, mean, min, max, count, unit}, index, range) {
  if (index === null || index === undefined || !count[index]) return "";
  const ends = count[index] > 1 ? ` (${number(min[index], range)} to ${number(max[index], range)})` : "";
  return `${when(times[index])}: ${withUnit(number(mean[index], range), unit)}${ends}`;
}

function timesOf(_, times, axis, space, step_s) {
  return times.map((time_s) => {
    const date = new Date(time_s * 1000), month = date.toLocaleString("en", {month: "short"});
    if (step_s > 20 * 86_400) return date.getMonth() ? month : String(date.getFullYear());
    return clockTime(time_s) === "00:00" ? `${date.getDate()} ${month}` : clockTime(time_s);
  });
}

function shadeGaps(chart, colour) {
  const {left, top, width, height} = chart.bbox;
  const place = (time_s) => Math.min(left + width, Math.max(left, chart.valToPos(time_s, "x", true)));
  chart.ctx.fillStyle = colour;
  for (const {from, to} of shown.gaps) chart.ctx.fillRect(place(from), top, place(to === null ? shown.to : to) - place(from), height);
}

function zoom(chart) {
  const {left, width} = chart.select;
  if (width < 8) return;
  const [from, to] = [left, left + width].map((position) => Math.round(chart.posToVal(position, "x")));
  chart.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
  go({node: here().node, from, to});
}

// With the arrow keys, over gaps; all charts follow
function moveCursor(event) {
  const {chart, data} = plots.get(event.currentTarget), way = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  if (!way || !chart) return;
  event.preventDefault();
  let next = chart.cursor.idx === null || chart.cursor.idx === undefined ? (way > 0 ? 0 : data.times.length - 1) : chart.cursor.idx + way;
  while (data.count[next] === 0) next += way;
  if (next in data.times) chart.setCursor({left: chart.valToPos(data.times[next], "x"), top: 10}, true, true);
}
