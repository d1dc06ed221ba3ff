// Alarms, and the state of the collector itself.
import {ask, h, here, href} from "./dom.js";
import {nodeLink, pages} from "./overview.js";
import {at} from "./text.js";

const HEADINGS = ["Node", "Since", "Alarm", "Ended", "Last notice"];

export const alarms = {
  title: () => "Alarms",
  load: () => ask("api/alarms", {open: here().history ? 0 : 1, page: here().page}),
  draw(data) {
    const {history = ""} = here();
    const tab = (text, value) => h("a", {href: href({view: "alarms", history: value}), "aria-current": history === value && "true"}, text);
    const cell = (index, content) => h("td", {"data-label": HEADINGS[index]}, content);
    const rows = data.alarms.map(({id, node, text, since, until, told}) => h("tr", {"data-key": id},
      h("th", {scope: "row"}, node === null ? "the whole fleet" : nodeLink(node)),
      cell(1, at(since)), cell(2, text), cell(3, until ? at(until) : h("b.alarm", null, "open")), cell(4, told && at(told))));
    return [h("h1.hidden", null, "Alarms"),
      h("div.tools", null, h("nav.filters", {"aria-label": "Which alarms"}, tab("open", ""), tab("all", "all"))),
      rows.length ? h("table.nodes", null, h("thead", null, h("tr", null, HEADINGS.map((text) => h("th", {scope: "col"}, text)))), h("tbody", null, rows))
        : h("p.nothing", null, history ? "There was no alarm yet." : "No alarm is open."),
      pages(data, "alarm")];
  },
};

export const status = {
  title: () => "Collector",
  load: () => null,
  draw(data, {version, role, endpoints, counters, updates, refused, needs_token}) {
    const pairs = (entries) => h("dl.facts", null, entries.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
    return [h("h1", null, "Collector"),
      pairs([["Version", version], ["Role", role]]),
      h("h2", null, "Listens at"),
      h("ul.endpoints", null, endpoints.map((each) => h("li", null, h("code", null, each)))),
      h("h2", null, "Counted over all runs"),
      pairs(Object.entries(counters).map(([name, count]) => [name, count.toLocaleString("en")])),
      updates && [h("h2", null, "Updates"), h("p", null, updates)],
      h("h2", null, "Refused messages"),
      refused.length ? h("table.list", null, h("tbody", null, refused.map((each) =>
        h("tr", null, [at(each.received), each.protocol, each.source, each.reason].map((cell) => h("td", null, cell)))))) : h("p", null, "None."),
      h("p.soft", null, "For programs: ", h("a", {href: "api/nodes"}, "JSON"), ", ", h("a", {href: "metrics"}, "metrics"), ", ", h("a", {href: "health"}, "health")),
      needs_token && h("form.logout", null, h("button", null, "Log out"))].flat().filter(Boolean);
  },
};

// of the collector, for the head of each page
export const corner = ({counters, trouble}) => [
  h("span", null, `${(counters.messages || 0).toLocaleString("en")} messages`),
  ["refused", "dropped"].filter((name) => counters[name]).map((name) => h("span", null, `${counters[name].toLocaleString("en")} ${name}`)),
  trouble && h("b.alarm", null, "trouble")];
