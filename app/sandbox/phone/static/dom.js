/* Elements from plain values. Nothing here takes markup: what people and shops write is only ever text. */

const SVG = "http://www.w3.org/2000/svg";

function fill(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function set(node, props) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") style(node, value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
}

/** An element. Properties are attributes, `on…` listeners, and `style`, an object. */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  set(node, props);
  return fill(node, children);
}

export function svg(tag, props, ...children) {
  const node = document.createElementNS(SVG, tag);
  set(node, props);
  return fill(node, children);
}

/** Styles one by one: a style attribute would be refused by the page's policy, and could carry more than one. */
export function style(node, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") node.style.setProperty(name, String(value));
  }
  return node;
}

const ICONS = {
  back: "M15 5l-7 7 7 7",
  more: "M5 12h.01M12 12h.01M19 12h.01M5 12h.02M12 12h.02M19 12h.02",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c.6-4.200 3.800-6 8-6s7.400 1.800 8 6",
  add: "M10 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM2.500 21c.6-4.200 3.500-6 7.500-6 1.500 0 2.800.2 4 .7M18 14v7M14.500 17.500h7",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M7 14h10",
  menu: "M4 7h16M4 12h16M4 17h16",
  send: "M4 12l16-8-6 16-3-6.500z",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.500h.01",
  place: "M12 21c-4-5-6-8-6-11a6 6 0 0 1 12 0c0 3-2 6-6 11zM12 7.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400z",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.500 10h.01M15.500 10h.01M8 14.500c1 1.500 2.400 2.200 4 2.200s3-.7 4-2.200",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  out: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  ticket: "M3 7h18v3.500a1.500 1.500 0 0 0 0 3V17H3v-3.500a1.500 1.500 0 0 0 0-3zM14 7v10",
};

/** A line drawing of ours, 24 by 24, in the colour of the text around it. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": name === "more" ? 3 : 1.9,
      "stroke-linecap": "round", "stroke-linejoin": "round" }),
  );
}

/** A button with an icon and a name that is read out, not shown. */
export function iconButton(name, label, onclick, props) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props },
    icon(name));
}
