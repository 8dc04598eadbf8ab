/* One message as it stands in the chat: its content, without the frame of time and sender. */

import { contentUrl } from "./api.js";
import { el, icon, style } from "./dom.js";
import { barcode, emoji, map, picture, sticker } from "./drawings.js";
import { flex, playSign } from "./flex.js";
import { imagemap, template } from "./templates.js";
import { moment, t } from "./texts.js";

const LINK = /https?:\/\/[^\s<>"'、。()「」]+/g;

/** The content of a message. `does` is what can be done with it: tap, follow, openCoupon, watched, played. */
export function content(item, does) {
  const message = item.message;
  if (item.unsent) return el("p", { class: "unsent" }, t("unsent"));
  const make = { text, textV2, sticker: stickerBubble, image, video, audio, location: place, file,
    imagemap, template, flex: flexBubble, coupon }[message.type];
  const shown = make ? make(message, does, item) : null;
  return shown ?? el("p", { class: "words" }, t("unknownMessage", message.type));
}

function words(pieces, does) {
  const node = el("p", { class: "words" });
  for (const piece of pieces) {
    if (typeof piece !== "string") node.append(piece);
    else node.append(...linked(piece, does));
  }
  return node;
}

function linked(words, does) {
  const parts = [];
  let end = 0;
  for (const found of words.matchAll(LINK)) {
    parts.push(words.slice(end, found.index));
    parts.push(el("a", { href: found[0], rel: "noreferrer noopener", onclick: (event) => {
      event.preventDefault();
      does.follow(found[0]);
    } }, found[0]));
    end = found.index + found[0].length;
  }
  parts.push(words.slice(end));
  return parts.filter((part) => part !== "");
}

/** A text with LINE's own emoji where they stand, which is counted in UTF-16 units, as here. */
function text(message, does) {
  const pieces = [];
  let end = 0;
  const emojis = Array.isArray(message.emojis) ? [...message.emojis].sort((one, other) => one.index - other.index) : [];
  for (const each of emojis) {
    if (!(each?.index >= end)) continue;
    pieces.push(message.text.slice(end, each.index), emoji(each.productId, each.emojiId));
    end = each.index + (each.length ?? 1);
  }
  pieces.push(message.text.slice(end));
  return words(pieces, does);
}

function textV2(message, does) {
  const pieces = [];
  let end = 0;
  for (const found of message.text.matchAll(/\{\{|\}\}|\{([0-9A-Za-z_]{1,20})\}/g)) {
    pieces.push(message.text.slice(end, found.index));
    end = found.index + found[0].length;
    const part = message.substitution?.[found[1]];
    if (found[0] === "{{" || found[0] === "}}") pieces.push(found[0][0]);
    else if (part?.type === "emoji") pieces.push(emoji(part.productId, part.emojiId));
    else if (part?.type === "mention") pieces.push(el("strong", { class: "mention" }, part.mentionee?.type === "all" ? "@All" : "@"));
    else pieces.push(found[0]);
  }
  pieces.push(message.text.slice(end));
  return words(pieces, does);
}

function stickerBubble(message) {
  return el("div", { class: "sticker" }, sticker(message.packageId, message.stickerId));
}

/** Where her own picture, video or voice is: at the sandbox, or where a LIFF app said. */
const urlOf = (message, item) => message.originalContentUrl ?? message.contentProvider?.originalContentUrl
  ?? (item.hers ? contentUrl(item.id) : "");
const previewOf = (message, item) => message.previewImageUrl ?? message.contentProvider?.previewImageUrl
  ?? (message.type === "image" ? urlOf(message, item) : null);

function image(message, does, item) {
  const shown = picture(previewOf(message, item), t("image"));
  return el("button", { type: "button", class: "photo", "aria-label": t("image"), onclick: () => does.enlarge(urlOf(message, item)) }, shown);
}

function video(message, does, item) {
  const frame = el("div", { class: "photo video" });
  const player = el("video", { src: urlOf(message, item), poster: previewOf(message, item), controls: true, preload: "none", playsinline: true, "aria-label": t("video") });
  player.addEventListener("error", () => player.replaceWith(picture(previewOf(message, item), `${t("video")} (${t("cannotPlay")})`), playSign()));
  player.addEventListener("ended", () => {
    if (item.hers) return;
    does.played(100);
    if (message.trackingId) does.watched(message.trackingId);
  });
  frame.append(player);
  return frame;
}

function audio(message, does, item) {
  const player = el("audio", { src: urlOf(message, item), controls: true, preload: "none", "aria-label": t("audio") });
  player.addEventListener("ended", () => item.hers || does.played(100));
  const seconds = Math.round((message.duration ?? 0) / 1000);
  return el("div", { class: "voice" }, player,
    el("span", { class: "voice-length" }, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`));
}

function place(message) {
  return el("div", { class: "card place" }, map(message.latitude, message.longitude),
    el("div", { class: "card-words" },
      message.title ? el("strong", null, message.title) : null,
      message.address ? el("span", null, message.address) : null,
      el("span", { class: "soft" }, `${message.latitude.toFixed(4)}, ${message.longitude.toFixed(4)}`)));
}

function file(message) {
  return el("div", { class: "card file" }, el("div", { class: "card-words" },
    el("strong", null, message.fileName ?? t("file")), el("span", { class: "soft" }, `${message.fileSize ?? "?"} B`)));
}

function flexBubble(message, does) {
  return el("div", { class: "wide", role: "group", "aria-label": message.altText }, flex(message.contents, does.tap, message.altText));
}

/** What a coupon is worth, in a few words. */
export function worth(reward) {
  const price = reward?.priceInfo;
  const name = { free: "free", gift: "gift", cashBack: "cashBack" }[reward?.type];
  const sum = price?.type === "percentage" ? t("percentOff", price.percentage)
    : price?.type === "fixed" ? t("yenOff", price.fixedAmount.toLocaleString())
      : price?.type === "explicit" ? t("price", price.originalPrice.toLocaleString(), price.priceAfterDiscount.toLocaleString()) : "";
  const back = price?.type === "percentage" ? `${price.percentage}%` : price ? t("yen", price.fixedAmount.toLocaleString()) : "";
  return [name ? t(name) : "", reward?.type === "cashBack" ? back : sum].filter(Boolean).join(" ");
}

/** What can be done with a coupon now, as its button says. */
export function couponStep(found) {
  if (found.ticket?.used_up) return t("used");
  if (found.status !== "RUNNING") return t("closed");
  if (found.ticket) return t("show");
  return found.lottery ? t("draw") : t("take");
}

/** The upper part of a coupon: its picture, or a green field with what it is worth. */
export function couponHead(found) {
  if (found.imageUrl) return style(picture(found.imageUrl, found.title), { "aspect-ratio": "20 / 13", "--fit": "cover" });
  return el("div", { class: "coupon-field" }, icon("ticket"), el("span", null, worth(found.reward) || t("coupon")));
}

function coupon(message, does, item) {
  const found = item.coupon;
  if (!found) return null;
  const over = found.ticket?.used_up || found.status !== "RUNNING";
  return el("div", { class: over ? "card coupon over" : "card coupon" }, couponHead(found),
    el("div", { class: "card-words" },
      el("span", { class: "tag" }, t("coupon")), el("strong", null, found.title),
      worth(found.reward) && found.imageUrl ? el("span", { class: "worth" }, worth(found.reward)) : null,
      el("span", { class: "soft" }, t("until", moment(found.ends_at)))),
    el("button", { type: "button", class: "card-button coupon-button", onclick: () => does.openCoupon(found) }, couponStep(found)));
}

export { barcode };
