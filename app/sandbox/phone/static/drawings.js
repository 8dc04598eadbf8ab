/* Pictures of our own, for what the sandbox has none of: faces, stickers, maps, and images that do not load. */

import { el, style, svg } from "./dom.js";
import { t } from "./texts.js";

/** A number from a text, always the same. */
export function mix(text) {
  let value = 2166136261;
  for (const letter of String(text)) value = Math.imul(value ^ letter.codePointAt(0), 16777619) >>> 0;
  value = Math.imul(value ^ (value >>> 16), 2246822507) >>> 0;
  value = Math.imul(value ^ (value >>> 13), 3266489909) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}

/** A round face with the first letter of a name; with a picture if there is one. */
export function face(name, seed, pictureUrl) {
  const hue = mix(seed) % 360;
  const node = el("span", { class: "face", "aria-hidden": "true" }, Array.from(name.trim())[0] ?? "?");
  style(node, { "background-color": `hsl(${hue} 48% 84%)`, color: `hsl(${hue} 55% 24%)` });
  if (pictureUrl) {
    const picture = el("img", { src: pictureUrl, alt: "", referrerpolicy: "no-referrer" });
    picture.addEventListener("error", () => picture.remove());
    node.append(picture);
  }
  return node;
}

/** An image from elsewhere; where it does not come, a quiet field of the same size takes its place. */
export function picture(url, alt, props = {}) {
  const frame = el("span", { class: "picture", ...props });
  const image = el("img", { alt, referrerpolicy: "no-referrer", decoding: "async", draggable: "false" });
  image.addEventListener("error", () => {
    image.remove();
    frame.classList.add("picture-missing");
    frame.append(missing(alt));
  });
  frame.append(image);
  if (/^(https:|blob:|data:image\/|\/)/.test(String(url))) image.src = url;
  else image.dispatchEvent(new Event("error"));
  return frame;
}

function missing(alt) {
  return el("span", { class: "missing", role: alt ? "img" : null, "aria-label": alt ? `${alt} (${t("notLoaded")})` : null },
    svg("svg", { viewBox: "0 0 48 36", width: 48, height: 36, "aria-hidden": "true" },
      svg("rect", { x: 2, y: 2, width: 44, height: 32, rx: 4, fill: "none", stroke: "currentColor", "stroke-width": 2 }),
      svg("circle", { cx: 34, cy: 12, r: 3.500, fill: "currentColor" }),
      svg("path", { d: "M6 30l11-13 8 9 6-6 11 10z", fill: "currentColor", opacity: .55 })));
}

const MOUTHS = [
  "M46 74q14 14 28 0", "M48 76q12 8 24 0", "M50 72q10 22 20 0z", "M50 78h20", "M46 75q7 9 14 0q7 9 14 0", "M56 74a5 6 0 1 0 10 0a5 6 0 1 0 -10 0",
];
const EYES = [
  ["M44 56v6", "M76 56v6"], ["M40 60q5 -7 10 0", "M70 60q5 -7 10 0"], ["M40 57q5 7 10 0", "M70 57q5 7 10 0"],
  ["M41 56l8 4-8 4", "M79 56l-8 4 8 4"],
];

/** A sticker: a round fellow whose look comes from the ids, which stand below him. */
export function sticker(packageId, stickerId, small = false) {
  const seed = mix(`${packageId}/${stickerId}`);
  const hue = seed % 360;
  const mood = (seed >>> 9) % MOUTHS.length;
  const [left, right] = EYES[(seed >>> 13) % EYES.length];
  const stroke = { fill: "none", stroke: "#2b2b33", "stroke-width": 4, "stroke-linecap": "round", "stroke-linejoin": "round" };
  const ears = (seed >>> 17) % 3;
  const fur = `hsl(${hue} 70% 78%)`;
  const ear = (x) => ears === 0
    ? svg("circle", { cx: x, cy: 30, r: 13, fill: fur, stroke: "#2b2b33", "stroke-width": 4 })
    : ears === 1
      ? svg("path", { d: `M${x - 13} 40L${x} 10l13 30z`, fill: fur, stroke: "#2b2b33", "stroke-width": 4, "stroke-linejoin": "round" })
      : svg("ellipse", { cx: x, cy: 24, rx: 9, ry: 22, fill: fur, stroke: "#2b2b33", "stroke-width": 4 });
  return svg("svg", { class: "sticker-drawing", viewBox: "0 0 120 128", role: "img",
    "aria-label": `${t("sticker")} ${packageId}/${stickerId}` },
    ear(34), ear(86),
    svg("ellipse", { cx: 60, cy: 66, rx: 46, ry: 42, fill: fur, stroke: "#2b2b33", "stroke-width": 4 }),
    svg("ellipse", { cx: 34, cy: 74, rx: 7, ry: 4.500, fill: `hsl(${(hue + 330) % 360} 80% 72%)` }),
    svg("ellipse", { cx: 86, cy: 74, rx: 7, ry: 4.500, fill: `hsl(${(hue + 330) % 360} 80% 72%)` }),
    svg("path", { ...stroke, d: left }), svg("path", { ...stroke, d: right }),
    svg("path", { ...stroke, d: MOUTHS[mood], fill: mood === 2 || mood === 5 ? "#c8455b" : "none" }),
    small ? null : svg("text", { x: 60, y: 124, "text-anchor": "middle", "font-size": 11, fill: "#24334d" }, `${packageId} / ${stickerId}`));
}

/** A small emoji of LINE's own, of which we know only the number. */
export function emoji(productId, emojiId) {
  const hue = mix(`${productId}/${emojiId}`) % 360;
  return svg("svg", { class: "emoji", viewBox: "0 0 20 20", role: "img", "aria-label": `emoji ${emojiId}` },
    svg("circle", { cx: 10, cy: 10, r: 9, fill: `hsl(${hue} 85% 66%)` }),
    svg("path", { d: "M6.500 8v1.500M13.500 8v1.500M6 12.500q4 3.500 8 0", fill: "none", stroke: "#2b2b33", "stroke-width": 1.6, "stroke-linecap": "round" }));
}

/** A map that shows no real streets: a neighbourhood drawn from the coordinates, with a pin. */
export function map(latitude, longitude) {
  const seed = mix(`${latitude.toFixed(3)},${longitude.toFixed(3)}`);
  const shift = (place, range) => ((seed >>> place) % range) - range / 2;
  const road = { fill: "none", stroke: "#fff", "stroke-linecap": "round" };
  const blocks = [];
  for (let column = 0; column < 6; column += 1) {
    for (let row = 0; row < 3; row += 1) {
      if ((seed >>> (column + row * 3)) & 1) {
        blocks.push(svg("rect", { x: 10 + column * 46 + shift(row, 10), y: 8 + row * 44, width: 30, height: 26, rx: 3, fill: "#dfe3df" }));
      }
    }
  }
  return svg("svg", { class: "map", viewBox: "0 0 280 140", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    svg("rect", { width: 280, height: 140, fill: "#eef0e8" }),
    svg("rect", { x: 180 + shift(3, 60), y: -10, width: 80, height: 62, rx: 14, fill: "#cfe6c4" }),
    svg("path", { d: `M-10 ${112 + shift(5, 30)}q80 ${shift(7, 50)} 150 0t150 ${shift(9, 40)}v60h-300z`, fill: "#bcd9ee" }),
    ...blocks,
    svg("path", { ...road, "stroke-width": 11, d: `M-10 ${52 + shift(2, 16)}L290 ${48 + shift(4, 24)}` }),
    svg("path", { ...road, "stroke-width": 9, d: `M${100 + shift(6, 40)} -10L${130 + shift(8, 40)} 150` }),
    svg("path", { ...road, "stroke-width": 6, d: `M${210 + shift(1, 30)} -10L${190 + shift(11, 40)} 150M-10 ${96 + shift(12, 16)}L290 ${92 + shift(13, 16)}` }),
    svg("ellipse", { cx: 140, cy: 84, rx: 10, ry: 3.500, fill: "rgb(0 0 0 / .22)" }),
    svg("path", { d: "M140 84c-13-17-20-26-20-36a20 20 0 0 1 40 0c0 10-7 19-20 36z", fill: "#e0352b", stroke: "#fff", "stroke-width": 2.500 }),
    svg("circle", { cx: 140, cy: 48, r: 7, fill: "#fff" }));
}

/** Stripes that stand for a barcode. */
export function barcode(code) {
  const bars = [];
  let x = 4;
  for (const [place, letter] of Array.from(code).entries()) {
    for (let bit = 0; bit < 4; bit += 1) {
      const width = 1 + ((mix(letter + place) >>> (bit * 2)) % 3);
      bars.push(svg("rect", { x, y: 0, width, height: 40, fill: "#111" }));
      x += width + 2;
    }
  }
  return svg("svg", { class: "barcode", viewBox: `0 0 ${x + 2} 40`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...bars);
}
