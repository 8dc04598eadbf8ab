/* What she does: taps, links, places, pictures, coupons. `phone` is the page: its person, open chat and refresh(). */

import { act, Failed, link, upload } from "./api.js";
import { couponHead, couponStep, worth } from "./bubbles.js";
import { el, iconButton } from "./dom.js";
import { barcode, face, map, picture, sticker } from "./drawings.js";
import { field, notice, sheet } from "./sheets.js";
import { moment, t } from "./texts.js";

const PLACES = [
  ["渋谷駅", "東京都渋谷区道玄坂1丁目", 35.6580, 139.7016], ["新宿駅", "東京都新宿区新宿3丁目", 35.6909, 139.7003],
  ["横浜駅", "神奈川県横浜市西区高島2丁目", 35.4660, 139.6220], ["大阪駅", "大阪府大阪市北区梅田3丁目", 34.7025, 135.4959],
  ["札幌駅", "北海道札幌市北区北6条西4丁目", 43.0687, 141.3508],
];
const STICKERS = [["446", "1988"], ["446", "1993"], ["446", "2005"], ["446", "2010"], ["789", "10856"], ["789", "10863"],
  ["789", "10871"], ["6136", "10551379"], ["6325", "10979904"]];

/** The doings in one chat, for its messages and its menu. */
export function doingsOf(phone, channel) {
  const tell = (name, body) => attempt(phone, () => act(name, { channel, ...body }));

  async function tap(action, send = (body) => tell("chats/tap", { action, ...body })) {
    switch (action?.type) {
      case "postback":
        await send({});
        phone.composer?.obey(action);
        return;
      case "uri":
        await send({});
        await follow(action.linkUri ?? action.uri, true);
        return;
      case "datetimepicker":
        pickMoment(action, (params) => send({ params, action: { ...action, params } }));
        return;
      case "clipboard":
        await send({});
        await copy(action.clipboardText);
        return;
      case "camera": case "cameraRoll":
        choosePicture();
        return;
      case "location":
        sendPlace();
        return;
      default:
        await send({});
    }
  }

  /** Open a link. A tap on a button has been counted; a link in a text is counted here. */
  async function follow(url, counted = false) {
    if (!url) return;
    if (!counted) await tell("click", { url });
    const found = await attempt(phone, () => link(url, channel));
    if (found) openLink(phone, found, { choosePicture, sendPlace });
  }

  function choosePicture() {
    const input = el("input", { type: "file", accept: "image/*" });
    input.addEventListener("change", () => input.files[0] && attempt(phone, () => upload("image", channel, input.files[0])));
    input.click();
  }

  function sendPlace() {
    const fields = { title: field(t("placeName"), { value: PLACES[0][0], maxlength: 100, required: true }),
      address: field(t("address"), { value: PLACES[0][1], maxlength: 100, required: true }),
      latitude: field(t("latitude"), { type: "number", step: "any", min: -90, max: 90, value: PLACES[0][2], required: true }),
      longitude: field(t("longitude"), { type: "number", step: "any", min: -180, max: 180, value: PLACES[0][3], required: true }) };
    const preview = el("div", { class: "place-preview" });
    const number = (name) => Number(fields[name].input.value) || 0;
    const draw = () => preview.replaceChildren(map(number("latitude"), number("longitude")));
    const usual = el("select", { class: "input", onchange: () => {
      const chosen = PLACES[usual.selectedIndex];
      ["title", "address", "latitude", "longitude"].forEach((name, index) => { fields[name].input.value = chosen[index]; });
      draw();
    } }, PLACES.map(([name]) => el("option", null, name)));
    const form = el("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      shown.close();
      await tell("location", { title: fields.title.input.value, address: fields.address.input.value,
        latitude: number("latitude"), longitude: number("longitude") });
    } }, preview, el("label", { class: "field" }, el("span", null, t("places")), usual),
      fields.title.node, fields.address.node,
      el("div", { class: "field-pair" }, fields.latitude.node, fields.longitude.node),
      el("button", { class: "go" }, t("sendPlace")));
    for (const name of ["latitude", "longitude"]) fields[name].input.addEventListener("input", draw);
    draw();
    const shown = sheet(t("place"), form);
  }

  function chooseSticker() {
    const shown = sheet(t("sticker"), el("div", { class: "sticker-choice" }, STICKERS.map(([packageId, stickerId], index) =>
      el("button", { type: "button", "aria-label": t("stickerNo", index + 1), onclick: async () => {
        shown.close();
        await tell("sticker", { packageId, stickerId });
      } }, sticker(packageId, stickerId, true)))));
  }

  function enlarge(url) {
    sheet(t("image"), el("div", { class: "enlarged" }, picture(url, t("image"), {})), { full: true });
  }

  return {
    tap, follow, choosePicture, sendPlace, chooseSticker, enlarge,
    say: (text) => tell("message", { text }),
    watched: (trackingId) => tell("video-watched", { tracking_id: trackingId }),
    played: (percent) => tell("play", { percent }),
    unsend: (messageId) => tell("unsend", { message_id: messageId }),
    tie: (name) => tell(name, {}),
    tapArea: (area, action) => tap(action, (body) => tell("chats/tap-menu", { area, params: body.params ?? null })),
    openCoupon: (found) => showCoupon(phone, channel, found),
  };
}

/** Do something at the sandbox, then look again. What failed is said; then nothing comes back. */
export async function attempt(phone, work) {
  try {
    const value = await work();
    await phone.refresh();
    return value ?? {};
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    notice(failure.message === "offline" ? t("offline") : t("failed", failure.message));
    return null;
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "unseen", value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice(t("copied"));
}

function pickMoment(action, chosen) {
  const mode = ["date", "time", "datetime"].includes(action.mode) ? action.mode : "datetime";
  const plain = (value) => value?.replace("t", "T");
  const { input, node } = field(t(mode), { type: mode === "datetime" ? "datetime-local" : mode, required: true,
    value: plain(action.initial) ?? "", min: plain(action.min), max: plain(action.max), autofocus: true });
  const shown = sheet(action.label || t(mode), el("form", { class: "form", onsubmit: async (event) => {
    event.preventDefault();
    shown.close();
    await chosen({ [mode]: input.value });
  } }, node, el("button", { class: "go" }, t("choose"))));
}

/** Do what a link says (links.py). */
export function openLink(phone, found, doings = {}) {
  if (found.kind === "page") openPage(phone, found);
  else if (found.kind === "friend") offerFriend(phone, found.account);
  else if (found.kind === "words") {
    phone.draft = found.text;
    phone.openChat(found.account.channel);
  } else if (found.kind === "call") notice(t("call", found.number));
  else if (found.kind === "location" && doings.sendPlace) doings.sendPlace();
  else if (["camera", "cameraRoll"].includes(found.kind) && doings.choosePicture) doings.choosePicture();
  else notice(t("unknownLink"));
}

/** A page in a frame. It runs as itself and may not lead this page away; liff.closeWindow() closes it. */
function openPage(phone, { url, shown }) {
  const host = new URL(shown).host;
  const frame = el("iframe", { class: "page-frame", src: url, title: host, referrerpolicy: "no-referrer",
    sandbox: "allow-scripts allow-forms allow-same-origin allow-popups allow-modals allow-downloads" });
  const told = (event) => {
    if (event.source !== frame.contentWindow) return;
    if (event.data?.type === "liff.closeWindow") page.close();
    if (event.data?.type === "phone.link" && event.origin === location.origin) {
      page.close();
      followLink(phone, String(event.data.link));
    }
  };
  window.addEventListener("message", told);
  const page = sheet(host, [frame, el("p", { class: "page-note" }, t("pageLead"))], {
    full: true,
    tools: [iconButton("out", t("inTab"), () => window.open(url, "_blank", "noopener"))],
    onclose: () => {
      window.removeEventListener("message", told);
      phone.refresh();
    },
  });
}

/** Do what a link from outside of any chat says. */
export async function followLink(phone, url) {
  const found = await attempt(phone, () => link(url, null));
  if (found) openLink(phone, found);
}

export function offerFriend(phone, account) {
  const doing = account.tie === "stranger" ? "follow" : account.tie === "blocked" ? "unblock" : null;
  const shown = sheet(t("addFriend"), el("div", { class: "friend-offer" },
    face(account.name, account.channel), el("strong", null, account.name), el("span", { class: "soft" }, account.basic_id),
    el("button", { type: "button", class: "go", autofocus: true, onclick: async () => {
      shown.close();
      if (doing && !(await attempt(phone, () => act(doing, { channel: account.channel })))) return;
      phone.openChat(account.channel);
    } }, doing === "follow" ? t("add") : doing ? t("unblock") : t("open"))));
}

/** A coupon: take it or draw, show it in the shop, have it marked as used. */
function showCoupon(phone, channel, found) {
  const over = found.status !== "RUNNING" || found.ticket?.used_up;
  const ticket = found.ticket;
  const parts = [couponHead(found), el("h3", null, found.title), worth(found.reward) ? el("p", { class: "worth" }, worth(found.reward)) : null,
    el("p", { class: "soft" }, t("until", moment(found.ends_at))),
    found.description ? el("p", { class: "pre" }, found.description) : null];
  if (ticket && !over) {
    parts.push(el("p", { class: "use-lead" }, t("useLead")));
    if (ticket.barcode_url) parts.push(picture(ticket.barcode_url, t("code"), { class: "picture barcode-picture" }));
    if (ticket.code) parts.push(el("div", { class: "coupon-code" }, el("span", { class: "soft" }, t("code")), barcode(ticket.code), el("strong", null, ticket.code)));
  }
  if (found.usageCondition) parts.push(el("p", { class: "soft" }, `${t("condition")}: ${found.usageCondition}`));
  parts.push(el("button", { type: "button", class: ticket ? "go go-careful" : "go", disabled: over, onclick: async () => {
    shown.close();
    const got = ticket
      ? await attempt(phone, () => act(`coupons/${ticket.id}/use`, {}))
      : await attempt(phone, () => act("coupons", { channel, coupon_id: found.id }));
    if (!got) return;
    if (!ticket) notice(t(got.id ? "won" : "blank"));
    const now = phone.findCoupon(found.id);
    if (now && (ticket || got.id)) showCoupon(phone, channel, now);
  } }, ticket && !over ? t("use") : couponStep(found)));
  const shown = sheet(t("coupon"), el("div", { class: "coupon-page" }, parts));
}
