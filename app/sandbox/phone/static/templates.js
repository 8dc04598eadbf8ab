/* Templates and imagemaps. */

import { el, style } from "./dom.js";
import { picture } from "./drawings.js";
import { playSign } from "./flex.js";
import { labelOf, tappable } from "./tappable.js";
import { t } from "./texts.js";

const RECTANGLE = "1.51 / 1";

export function template(message, does) {
  const shown = message.template;
  const make = { buttons: () => card(shown, shown, does), confirm: () => confirm(shown, does),
    carousel: () => slides(message, shown.columns.map((column) => card(column, shown, does))),
    image_carousel: () => slides(message, shown.columns.map((column) => imageCard(column, does))) }[shown.type];
  return make ? make() : null;
}

function slides(message, cards) {
  return el("div", { class: "wide" },
    el("div", { class: "slides", role: "group", tabindex: 0, "aria-label": `${message.altText} ${t("slides")}` }, cards));
}

function actionButtons(actions, does) {
  return el("div", { class: "card-buttons" }, actions.map((action) =>
    el("button", { type: "button", class: "card-button", onclick: () => does.tap(action) }, action.label ?? "")));
}

function card(column, looks, does) {
  const top = [];
  if (column.thumbnailImageUrl) {
    top.push(style(picture(column.thumbnailImageUrl, column.title ?? ""), {
      "aspect-ratio": looks.imageAspectRatio === "square" ? "1 / 1" : RECTANGLE,
      "--fit": looks.imageSize === "contain" ? "contain" : "cover",
      "background-color": /^#[0-9a-f]{6}$/i.test(column.imageBackgroundColor ?? "") ? column.imageBackgroundColor : null,
    }));
  }
  top.push(el("div", { class: "card-words" },
    column.title ? el("strong", null, column.title) : null, el("p", null, column.text)));
  const upper = tappable(el("div", { class: "card-top" }, top), column.defaultAction, does.tap,
    labelOf(column.defaultAction) || column.title || column.text);
  return el("div", { class: "card template" }, upper, actionButtons(column.actions, does));
}

function confirm(shown, does) {
  return el("div", { class: "card template confirm" },
    el("div", { class: "card-words" }, el("p", null, shown.text)), actionButtons(shown.actions, does));
}

function imageCard(column, does) {
  const label = column.action.label;
  const node = el("button", { type: "button", class: "card image-card", onclick: () => does.tap(column.action) },
    style(picture(column.imageUrl, label ?? t("image")), { "aspect-ratio": "1 / 1", "--fit": "cover" }));
  if (label) node.append(el("span", { class: "image-card-label", "aria-hidden": "true" }, label));
  return node;
}

/** One picture, `/700` of its address, with areas in units of which the picture is 1040 wide. */
export function imagemap(message, does) {
  const { width, height } = message.baseSize;
  const share = (value, whole) => `${(value / whole) * 100}%`;
  const spot = (area) => ({ left: share(area.x, width), top: share(area.y, height),
    width: share(area.width, width), height: share(area.height, height) });
  const frame = el("div", { class: "imagemap", role: "group", "aria-label": message.altText },
    style(picture(`${message.baseUrl}/700`, message.altText), { "aspect-ratio": `${width} / ${height}`, "--fit": "cover" }));
  if (message.video) {
    const player = el("video", { src: message.video.originalContentUrl, poster: message.video.previewImageUrl,
      controls: true, preload: "none", playsinline: true, "aria-label": t("video") });
    player.addEventListener("error", () => player.replaceWith(picture(message.video.previewImageUrl, t("video")), playSign()));
    player.addEventListener("ended", () => does.played(100));
    frame.append(style(el("div", { class: "imagemap-video" }, player), spot(message.video.area)));
  }
  for (const [number, action] of message.actions.entries()) {
    const label = action.label || action.text || action.linkUri || `${t("imagemap")} ${number + 1}`;
    frame.append(style(el("button", { type: "button", class: "spot", "aria-label": label, onclick: () => does.tap(action) }), spot(action.area)));
  }
  return frame;
}
