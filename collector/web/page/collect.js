// The page of the collector: which view the address names, and how it stays up to date.
// Names, units and texts come from anybody who can send a datagram: they become text nodes, never markup.
import {ask, drawn, go, h, here, href, update} from "./dom.js";
import * as node from "./node.js";
import * as overview from "./overview.js";
import {alarms, corner, status} from "./status.js";
import {zone} from "./text.js";

const REFRESH_MS = 5_000;
const SEARCH_MS = 200; // after the last key
const byId = (id) => document.getElementById(id);
const viewOf = ({node: name, view}) => (name !== undefined ? node : {__proto__: null, alarms, status}[view] || overview);

let shown = ""; // the view and the node
let turn = 0; // of loading; an answer of an older one is dropped
let timer = 0;
let scroll = null; // where to stand when the next view is drawn

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn, view = viewOf(here());
  try {
    const [data, state] = await Promise.all([view.load(), ask("api/status")]);
    if (mine === turn) show(view, data, state);
  } catch (error) {
    if (mine === turn) trouble(error.message.startsWith("The collector") ? error.message : "The collector does not answer; trying again.");
  }
  if (mine === turn && !document.hidden) timer = setTimeout(refresh, REFRESH_MS);
}

function show(view, data, state) {
  const main = byId("main"), name = `${view.title()} ${here().node}`;
  if (shown !== name) main.replaceChildren();
  update(main, view.draw(data, state));
  head(view, state);
  trouble(state.trouble);
  document.title = `${view.title()} · Collector`;
  if (scroll !== null) window.scrollTo(0, scroll);
  if (scroll === 0 && shown !== name) main.focus({preventScroll: true});
  scroll = null;
  shown = name;
  if (view.after) view.after(main, data).catch((error) => trouble(error.message));
  else drawn();
}

function head(view, state) {
  const link = (text, target, parameters) => h("a", {href: href(parameters), "aria-current": view === target && "page"}, text);
  update(byId("head"), [h("a.name", {href: "?"}, "Collector"),
    h("nav", {"aria-label": "Views"}, link("Nodes", overview, {}),
      link(["Alarms", state.alarms ? h("b.alarm", null, ` ${state.alarms}`) : ""], alarms, {view: "alarms"}),
      link("Status", status, {view: "status"})),
    h("a.corner", {href: "?view=status", "aria-label": "State of the collector"}, corner(state))]);
  update(byId("foot"), [h("p", null, `Times in ${zone()}`)]);
}

function trouble(text) {
  byId("trouble").hidden = !text;
  if (byId("trouble").textContent !== (text || "")) byId("trouble").textContent = text || "";
}

addEventListener("popstate", (event) => {
  scroll = (event.state && event.state.scroll) || 0;
  const box = byId("search");
  if (box && box !== document.activeElement) box.value = here().search || "";
  refresh();
});
history.scrollRestoration = "manual";
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='?']");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(Object.fromEntries(new URLSearchParams(link.search)), !link.closest("thead, .filters"));
});

document.addEventListener("keydown", (event) => {
  const box = byId("search");
  if (event.key !== "/" || !box || event.ctrlKey || event.metaKey || event.target.matches("input, select")) return;
  event.preventDefault();
  box.select();
});

let searching = 0;
document.addEventListener("input", (event) => {
  if (event.target.id !== "search") return;
  clearTimeout(searching);
  searching = setTimeout(() => {
    history.replaceState(history.state, "", href({...here(), search: event.target.value.trim(), page: ""}));
    refresh();
  }, SEARCH_MS);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  try {
    if (form.matches(".range")) node.showRange(form);
    if (form.matches(".mute")) await node.mute(form);
    if (form.matches(".logout")) await ask("api/logout", {}, {});
    if (!form.matches(".range, .search")) refresh();
  } catch (error) {
    trouble(error.message);
  }
});

refresh();
