// Elements, addresses, and questions to the collector.

// h("a.name", {href: "?"}, "text", [more, null]): what is given as text becomes a text node
export function h(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child || child === 0));
  return element;
}

// Make the children of `parent` like `fresh`. Elements that are alike, or have the same data-key, stay,
// and with them focus, selection and scroll. One with data-keep stays as it is: a form, or a chart.
export function update(parent, fresh) {
  const active = document.activeElement;
  updateChildren(parent, fresh.filter(Boolean));
  if (active !== document.activeElement && active.isConnected) active.focus({preventScroll: true});
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && node.dataset.key) || "";

function updateChildren(parent, fresh) {
  const keyed = new Map([...parent.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const wanted = new Set(fresh.map(keyOf));
  for (const [key, child] of keyed) if (!wanted.has(key)) child.remove();
  let place = parent.firstChild;
  for (const node of fresh) {
    const found = keyed.get(keyOf(node)) || place;
    if (!found || found.nodeName !== node.nodeName || keyOf(found) !== keyOf(node)) {
      parent.insertBefore(node, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else parent.insertBefore(found, place);
    updateOne(found, node);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function updateOne(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else if (!old.hasAttribute("data-keep")) {
    for (const {name} of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name); // details open by hand
    }
    for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    updateChildren(old, [...fresh.childNodes]);
  }
}

// For measurements: a view is there (devkit/docs/collector_page.py)
export const drawn = () => { if (!performance.getEntriesByName("drawn").length) performance.mark("drawn"); };

// All that is shown is in the query of the address. A node may have an empty name
export const here = () => Object.fromEntries(new URLSearchParams(location.search));

export const href = (parameters) => "?" + new URLSearchParams(Object.entries(parameters).filter(([name, value]) => value || value === 0 || (name === "node" && value === "")));

// top: begin at the top of the page; else it stays where it is
export function go(parameters, top = false) {
  history.replaceState({scroll: scrollY}, "");
  history.pushState({scroll: top ? 0 : scrollY}, "", href(parameters));
  dispatchEvent(new PopStateEvent("popstate", {state: history.state}));
}

export const clock = {ahead_s: 0, now: () => Date.now() / 1000 + clock.ahead_s};

export async function ask(path, parameters = {}, body = undefined) {
  const post = body && {method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"}};
  const answer = await fetch(path + href(parameters), {cache: "no-store", signal: AbortSignal.timeout(15_000), ...post});
  if (answer.status === 401) location.replace("login.html" + location.search);
  const found = await answer.json();
  if (!answer.ok) throw new Error(`The collector says: ${found.error}`);
  if (found.now) clock.ahead_s = found.now - Date.now() / 1000;
  return found;
}
