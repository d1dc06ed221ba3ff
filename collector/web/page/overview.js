// All nodes: counts of states, search, a table that can be sorted, 100 nodes a page.
import {ask, h, here, href} from "./dom.js";
import {age, number, plural, withUnit} from "./text.js";

const COLUMNS = [ // key of the API, heading, descending at the first click
  ["node", "Node"], ["state", "State"], ["seen", "Last seen", true], ["battery", "Battery"], ["signal", "Signal"],
  ["lost", "Lost in 24 h", true], ["release", "Release", true], ["", "Alarms"],
];
const STEADY = 0.002, FAST = 0.01; // V a day

const FIRST = "state"; // the sort without one in the address: what needs somebody stands first

export const title = () => "Nodes";

export function load() {
  const {search, state, sort = FIRST, page} = here();
  return ask("api/nodes", {search, state, sort, page});
}

export function draw(data, status) {
  const states = Object.entries(data.counts);
  if (!states.some(([, count]) => count)) return [empty(status.endpoints)];
  return [
    h("h1.hidden", null, "Nodes"),
    h("div.tools", null, filters(states), searchBox()),
    data.nodes.length ? table(data.nodes) : h("p.nothing", null, "No node fits. ", h("a", {href: "?"}, "Show all nodes")),
    pages(data, "node"),
  ];
}

export const badge = (state) => h(`span.state.${state}`, null, state);

function filters(states) {
  const {state = "", search, sort} = here();
  const all = states.reduce((sum, [, count]) => sum + count, 0);
  return h("nav.filters", {"aria-label": "Nodes by state"}, [["", all], ...states].map(([name, count]) =>
    h("a", {href: href({state: name, search, sort}), "aria-current": state === name && "true"},
      name ? badge(name) : "all", " ", h("b", null, count))));
}

const searchBox = () => h("form.search", {role: "search", "data-keep": true}, h("input", {
  id: "search", type: "search", value: here().search, placeholder: "Search nodes  ( / )", maxlength: 100,
  "aria-label": "Search nodes by name", "aria-keyshortcuts": "/", autocomplete: "off",
}));

function table(nodes) {
  const {sort = FIRST, state, search} = here();
  const head = COLUMNS.map(([key, text, descending]) => {
    const now = {[key]: "ascending", [`-${key}`]: "descending"}[sort];
    const next = now === "ascending" || (descending && !now) ? `-${key}` : key;
    return h("th", {scope: "col", "aria-sort": now}, key ? h("a", {href: href({state, search, sort: next})}, text) : text);
  });
  return h("table.nodes", null, h("thead", null, h("tr", null, head)), h("tbody", null, nodes.map(row)));
}

export function row(node) {
  const cells = [badge(node.state), age(node.seen), battery(node), signal(node), node.lost > 0 ? h("b", null, node.lost) : node.lost,
    release(node), node.alarms ? h("a.alarm", {href: href({node: node.node})}, plural(node.alarms, "alarm")) : ""];
  return h("tr", {"data-key": node.node}, h("th", {scope: "row"}, nodeLink(node.node)),
    cells.map((cell, index) => h("td", {"data-label": COLUMNS[index + 1][1]}, cell)));
}

export const nodeLink = (name) => h("a.node", {href: href({node: name}), title: name}, h("bdi", null, name || "(no name)"));

export function battery({battery: volts, trend}) {
  if (volts === null) return null;
  const [arrow, word] = trend > STEADY ? ["↗", "rising"] : trend < -STEADY ? ["↘", "falling"] : ["→", "steady"];
  const change = `${trend > 0 ? "+" : ""}${number(trend, 0.1)} V/day`;
  return [`${volts.toFixed(2)}\u202fV `, trend === null ? null : h(trend < -FAST ? "span.trend.fast" : "span.trend", {title: `${change} over 7 days`},
    h("span", {"aria-hidden": "true"}, arrow), h("span.hidden", null, word), word === "steady" ? "" : ` ${change}`)];
}

export const signal = ({rsrp, rsrq, rssi, snr}) =>
  [["RSRP", rsrp, "dBm"], ["RSRQ", rsrq, "dB"], ["RSSI", rssi, "dBm"], ["SNR", snr, "dB"]].filter(([, value]) => value !== null)
    .map(([name, value, unit]) => h("span.figure", null, h("small", null, name), ` ${withUnit(number(value, 10), unit)}`));

export const release = ({release: runs, offered, progress}) =>
  [runs, offered === null ? null : h("span.soft", null, ` → ${offered}${progress === null ? " offered" : `, ${progress} %`}`)];

export function pages({total, page, pages: last}, word) {
  if (last < 2) return total ? h("p.pages", null, plural(total, word)) : null;
  const first = (page - 1) * 100 + 1;
  const to = (next, text) => (next >= 1 && next <= last ? h("a", {href: href({...here(), page: next})}, text) : h("span", null, text));
  return h("nav.pages", {"aria-label": "Pages"}, h("span", null, `${first} to ${Math.min(first + 99, total)} of ${plural(total, word)}`),
    to(page - 1, "← previous"), to(page + 1, "next →"));
}

function empty(endpoints) {
  const [, host = "", port = 5683] = /^(?:coap|udp):\/\/(.*):(\d+)/.exec(endpoints.find((each) => /^(coap|udp):/.test(each))) || [];
  const known = host && !/^(127\.|\[::1?\]|0\.0\.0\.0|localhost)/.test(host);
  const block = (...lines) => h("pre", null, lines.join("\n"));
  return h("section.text", null,
    h("h1", null, "No node has reported yet"),
    h("p", null, endpoints.length ? "The collector listens at:" : "This process is the page alone. Nodes report to one with --role intake."),
    h("ul.endpoints", null, endpoints.map((each) => h("li", null, h("code", null, each)))),
    /^(127\.|\[::1\]|localhost)/.test(host) && h("p", null, "Only programs of this computer reach it there. Start it with ", h("code", null, "--host ::"), " for nodes in a network."),
    h("h2", null, "With a board"),
    h("p", null, "Name the address of this computer, and the access point of your operator, in config.py:"),
    block(`_HOST = "${known ? host.replace(/[[\]]/g, "") : "192.0.2.1"}"`, `_PORT = ${port}`, '_APN = "iot.example"'),
    h("p", null, "Copy the files to the board; --replace-config if it has another configuration:"),
    block("./dev deploy /dev/ttyUSB0"),
    h("p", null, `A firewall or router in between must let UDP to port ${port} through.`),
    h("h2", null, "Without a board"),
    h("p", null, "Let an emulated one report three times, or make reports of 100 nodes. What they report stays in the database, so take one that you can delete."),
    block(`./dev run main.py --cycles 3 --route 192.0.2.1:5683=127.0.0.1:${port}`),
    block(`python -m collector.load coap://127.0.0.1:${port} --rate 10 --seconds 10`));
}
