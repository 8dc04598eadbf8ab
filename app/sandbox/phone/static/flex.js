/* Flex messages, laid out as a phone does: LINE's boxes are flex boxes with defaults of their own. */

import { el, style, svg } from "./dom.js";
import { picture } from "./drawings.js";
import { holdsAction, tappable } from "./tappable.js";
import { t } from "./texts.js";

const BUBBLES = { nano: 120, micro: 160, deca: 220, hecto: 241, kilo: 260, mega: 300, giga: 386 };
const SPACES = { none: "0px", xs: "2px", sm: "4px", md: "8px", lg: "12px", xl: "16px", xxl: "20px" };
const LETTERS = { xxs: 11, xs: 13, sm: 14, md: 16, lg: 19, xl: 22, xxl: 29, "3xl": 35, "4xl": 48, "5xl": 74 };
const IMAGES = { xxs: 40, xs: 60, sm: 80, md: 100, lg: 120, xl: 140, xxl: 160, "3xl": 180, "4xl": 200, "5xl": 220 };
const BORDERS = { none: "0px", light: "0.5px", normal: "1px", medium: "2px", "semi-bold": "3px", bold: "4px" };
const ENDS = { "flex-start": "flex-start", "flex-end": "flex-end", start: "flex-start", end: "flex-end", center: "center" };
const DEFAULT_PADDING = { header: "20px", hero: "0px", body: "20px", footer: "10px" };
const SMALL = new Set(["nano", "micro"]);
const MOST_DEPTH = 20;

const size = (value, names) => {
  if (value === undefined || value === null) return null;
  if (Object.hasOwn(names, value)) return typeof names[value] === "number" ? `${names[value]}px` : names[value];
  return /^\d+(\.\d+)?(px|%)$/.test(value) ? value : null;
};
const space = (value) => size(value, SPACES);
const colour = (value) => (/^#([0-9a-f]{6}|[0-9a-f]{8})$/i.test(value ?? "") ? value : null);
const ratio = (value, otherwise) => {
  const found = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(value ?? "");
  return found ? `${found[1]} / ${found[2]}` : otherwise;
};

/** A bubble, or a carousel of bubbles. `tap` is called with an action. */
export function flex(contents, tap, altText) {
  if (contents.type === "carousel") {
    return el("div", { class: "flex-carousel slides", role: "group", tabindex: 0, "aria-label": `${altText} ${t("slides")}` },
      contents.contents.map((each) => bubble(each, tap)));
  }
  return bubble(contents, tap);
}

function bubble(contents, tap) {
  const kind = Object.hasOwn(BUBBLES, contents.size ?? "") ? contents.size : "mega";
  const node = el("div", { class: "flex-bubble", dir: contents.direction === "rtl" ? "rtl" : "ltr" });
  style(node, { width: `${BUBBLES[kind]}px` });
  for (const name of ["header", "hero", "body", "footer"]) {
    if (contents[name]) node.append(...block(name, contents, kind, tap));
  }
  return tappable(node, contents.action, tap, null, holdsAction(contents));
}

function block(name, contents, kind, tap) {
  const part = contents[name];
  const looks = contents.styles?.[name] ?? {};
  const child = component(part, { layout: "vertical", first: true }, tap, 0);
  if (!child) return [];
  if (part.type === "box") {
    const padding = SMALL.has(kind) && name !== "footer" ? "10px" : DEFAULT_PADDING[name];
    if (part.paddingAll === undefined) {
      const given = new Set(["Top", "Bottom", "Start", "End"].filter((side) => space(part[`padding${side}`]) !== null));
      const bottom = name === "body" && contents.footer && !SMALL.has(kind) ? "10px" : padding;
      const sides = { Top: ["padding-top", padding], Bottom: ["padding-bottom", bottom],
        Start: ["padding-inline-start", padding], End: ["padding-inline-end", padding] };
      for (const [side, [property, value]] of Object.entries(sides)) if (!given.has(side)) style(child, { [property]: value });
    }
    if (name === "body") style(child, { "flex-grow": 1 });
  }
  const around = el("div", { class: `flex-block flex-${name}` }, child);
  style(around, { "background-color": colour(looks.backgroundColor) });
  return looks.separator ? [line({ color: looks.separatorColor }, "vertical"), around] : [around];
}

function component(part, within, tap, depth) {
  if (!part || depth > MOST_DEPTH) return null;
  const make = { box, text, image, icon, button, separator: line, filler, spacer, video }[part.type];
  if (!make) return null;
  const node = make(part, part.type === "box" || part.type === "video" ? tap : within.layout, tap, depth);
  place(node, part, within);
  return node;
}

/** How much room a component takes in its box, and how far it keeps from the one before. */
function place(node, part, { layout, spacing, first }) {
  const across = layout === "horizontal" || layout === "baseline";
  const still = ["separator", "icon", "spacer"].includes(part.type) || (part.type === "box" && (across ? part.width : part.height));
  const otherwise = still ? 0 : across || part.type === "filler" ? 1 : 0;
  const grow = part.flex ?? otherwise;
  style(node, grow > 0
    ? { flex: across ? `${grow} ${grow} 0px` : `${grow} 0 auto`, "min-width": 0 }
    : { flex: "0 0 auto", "max-width": "100%" });
  const gap = space(part.margin) ?? (first ? null : spacing);
  if (gap && part.position !== "absolute") style(node, { [across ? "margin-inline-start" : "margin-top"]: gap });
  const offsets = Object.entries({ Top: "top", Bottom: "bottom", Start: "inset-inline-start", End: "inset-inline-end" });
  if (part.position === "absolute") style(node, { position: "absolute" });
  else if (offsets.some(([side]) => space(part[`offset${side}`]))) style(node, { position: "relative" });
  for (const [side, property] of offsets) style(node, { [property]: space(part[`offset${side}`]) });
}

function box(part, tap, _tap, depth) {
  const layout = ["horizontal", "vertical", "baseline"].includes(part.layout) ? part.layout : "vertical";
  const node = el("div", { class: `flex-box flex-${layout}` });
  style(node, {
    padding: space(part.paddingAll),
    "background-color": colour(part.backgroundColor),
    "border-radius": space(part.cornerRadius),
    width: size(part.width, {}), height: size(part.height, {}),
    "max-width": size(part.maxWidth, {}), "max-height": size(part.maxHeight, {}),
    "justify-content": justify(part.justifyContent),
    "align-items": layout === "baseline" ? null : ENDS[part.alignItems],
    overflow: part.cornerRadius || part.maxHeight || part.height ? "hidden" : null,
  });
  const sides = { Top: "top", Bottom: "bottom", Start: "inline-start", End: "inline-end" };
  for (const [side, name] of Object.entries(sides)) style(node, { [`padding-${name}`]: space(part[`padding${side}`]) });
  const border = size(part.borderWidth, BORDERS);
  if (border || part.borderColor) style(node, { border: `${border ?? "1px"} solid ${colour(part.borderColor) ?? "#d4d6da"}` });
  style(node, { "background-image": gradient(part.background) });
  const spacing = space(part.spacing) ?? "0px";
  let first = true;
  for (const each of part.contents ?? []) {
    const child = component(each, { layout, spacing, first }, tap, depth + 1);
    if (child) node.append(child);
    if (child && each.position !== "absolute") first = false;
  }
  return tappable(node, part.action, tap, null, holdsAction(part));
}

function justify(value) {
  return ENDS[value] ?? (["space-between", "space-around", "space-evenly"].includes(value) ? value : null);
}

function gradient(background) {
  const [start, end] = [colour(background?.startColor), colour(background?.endColor)];
  const angle = /^\d{1,3}(\.\d+)?deg$/.test(background?.angle ?? "") ? background.angle : null;
  if (background?.type !== "linearGradient" || !start || !end || !angle) return null;
  const middle = colour(background.centerColor);
  const centre = /^\d{1,3}(\.\d+)?%$/.test(background.centerPosition ?? "") ? background.centerPosition : "50%";
  return `linear-gradient(${angle}, ${start}${middle ? `, ${middle} ${centre}` : ""}, ${end})`;
}

const LETTER_STYLE = (part) => ({
  "font-size": size(part.size, LETTERS),
  "font-weight": { bold: 700, regular: 400 }[part.weight],
  color: colour(part.color),
  "font-style": part.style === "italic" ? "italic" : null,
  "text-decoration": { underline: "underline", "line-through": "line-through" }[part.decoration],
});

function text(part, layout, tap) {
  const words = el("div", { class: part.wrap ? "flex-words flex-wrap" : "flex-words" });
  style(words, { "font-size": "16px", ...LETTER_STYLE(part), "text-align": { start: "start", end: "end", center: "center" }[part.align] });
  const extra = /^\d+(\.\d+)?px$/.test(part.lineSpacing ?? "") ? part.lineSpacing : null;
  if (extra) style(words, { "line-height": `calc(1.4em + ${extra})` });
  if (part.wrap && part.maxLines > 0) {
    words.classList.add("flex-clamp");
    style(words, { "-webkit-line-clamp": part.maxLines });
  }
  if (part.contents?.length) {
    for (const span of part.contents) words.append(style(el("span", null, span.text ?? ""), LETTER_STYLE(span)));
  } else {
    words.append(part.text ?? "");
  }
  if (part.adjustMode === "shrink-to-fit") requestAnimationFrame(() => shrink(words));
  const cell = el("div", { class: "flex-cell" }, words);
  style(cell, { "justify-content": { bottom: "flex-end", center: "center" }[part.gravity] });
  return tappable(cell, part.action, tap, null);
}

function shrink(words) {
  let letters = parseFloat(getComputedStyle(words).fontSize);
  while (words.scrollWidth > words.clientWidth && words.clientWidth > 0 && letters > 6) {
    letters -= 1;
    style(words, { "font-size": `${letters}px` });
  }
}

function image(part, layout, tap) {
  const cell = el("div", { class: "flex-image" });
  style(cell, {
    "justify-content": { start: "flex-start", end: "flex-end" }[part.align],
    "align-items": { bottom: "flex-end", center: "center" }[part.gravity],
  });
  const shown = picture(part.url, part.action?.label ?? "");
  style(shown, {
    width: part.size === "full" ? "100%" : size(part.size ?? "md", IMAGES) ?? "100px",
    "aspect-ratio": ratio(part.aspectRatio, "1 / 1"),
    "background-color": colour(part.backgroundColor),
    "--fit": part.aspectMode === "cover" ? "cover" : "contain",
  });
  cell.append(shown);
  return tappable(cell, part.action, tap, part.action?.label || t("image"));
}

function icon(part) {
  const height = size(part.size ?? "md", LETTERS) ?? "16px";
  const shown = picture(part.url, "");
  shown.classList.add("flex-icon");
  return style(shown, { height, "aspect-ratio": ratio(part.aspectRatio, "1 / 1") });
}

function button(part, layout, tap) {
  const kind = { primary: "primary", secondary: "secondary" }[part.style] ?? "link";
  const node = el("button", { type: "button", class: `flex-button flex-button-${kind}` },
    el("span", null, part.action?.label ?? ""));
  if (part.height === "sm") node.classList.add("flex-button-small");
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    tap(part.action);
  });
  style(node, kind === "link" ? { color: colour(part.color) } : { "background-color": colour(part.color) });
  const cell = el("div", { class: "flex-cell" }, node);
  style(cell, { "justify-content": { bottom: "flex-end", center: "center" }[part.gravity] });
  return cell;
}

function line(part, layout) {
  const node = el("div", { class: layout === "vertical" ? "flex-line" : "flex-line flex-line-upright", role: "presentation" });
  return style(node, { "background-color": colour(part.color) });
}

const filler = () => el("div");

function spacer(part, layout) {
  const length = space(part.size) ?? SPACES.md;
  return style(el("div"), layout === "vertical" ? { height: length } : { width: length });
}

/** A video stands only at the top of a bubble. Where it cannot be played, its picture with a sign for playing stays. */
function video(part, tap) {
  const frame = el("div", { class: "flex-video" });
  style(frame, { "aspect-ratio": ratio(part.aspectRatio, "20 / 13") });
  const player = el("video", { src: part.url, poster: part.previewUrl, controls: true, preload: "none", playsinline: true, "aria-label": t("video") });
  player.addEventListener("error", () => {
    player.remove();
    frame.append(picture(part.previewUrl, t("video")), playSign());
  });
  frame.append(player);
  if (!part.action) return frame;
  const more = el("button", { type: "button", class: "flex-button flex-button-link flex-button-small" }, el("span", null, part.action.label ?? ""));
  more.addEventListener("click", (event) => {
    event.stopPropagation();
    tap(part.action);
  });
  return el("div", null, frame, more);
}

export function playSign() {
  return svg("svg", { class: "play-sign", viewBox: "0 0 48 48", "aria-hidden": "true" },
    svg("circle", { cx: 24, cy: 24, r: 22, fill: "rgb(0 0 0 / .55)" }),
    svg("path", { d: "M19 15l15 9-15 9z", fill: "#fff" }));
}
