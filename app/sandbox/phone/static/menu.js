/* The lower edge of a chat: the rich menu with its bar, or the line to write in. */

import { menuImageUrl } from "./api.js";
import { el, icon, iconButton, style } from "./dom.js";
import { picture } from "./drawings.js";
import { labelOf } from "./tappable.js";
import { t } from "./texts.js";

/** A menu as its picture with a button on each area. */
function richMenu(channel, menu, does) {
  const { width, height } = menu.size;
  const share = (value, whole) => `${(value / whole) * 100}%`;
  const frame = el("div", { class: "rich-menu", role: "group", "aria-label": menu.chatBarText });
  frame.append(style(picture(menu.has_image ? menuImageUrl(channel, menu.id) : "", ""), { "aspect-ratio": `${width} / ${height}`, "--fit": "cover" }));
  for (const [number, { bounds, action }] of menu.areas.entries()) {
    const label = labelOf(action) || t("menuArea", number + 1);
    frame.append(style(el("button", { type: "button", class: "spot", "aria-label": label, onclick: () => does.tapArea(number, action) },
      menu.has_image ? null : el("span", { class: "spot-name" }, label)), {
      left: share(bounds.x, width), top: share(bounds.y, height), width: share(bounds.width, width), height: share(bounds.height, height) }));
  }
  return frame;
}

/** The composer of one chat. `show(chat)` brings it up to date. */
export function composer(phone, channel, does) {
  const node = el("div", { class: "composer" });
  let menu = null;
  let tie = null;
  let isOpen = false;
  let isWriting = false;
  const input = el("textarea", { class: "write", rows: 1, "aria-label": t("typeHere"), placeholder: "Aa", maxlength: 5000,
    oninput: () => fit(), onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
      }
    } });
  const sendButton = iconButton("send", t("send"), () => send(), { class: "icon-button send" });

  function fit() {
    style(input, { height: "auto" });
    style(input, { height: `${Math.min(input.scrollHeight, 110)}px` });
    sendButton.disabled = !input.value.trim();
  }

  async function send() {
    const text = input.value;
    if (!text.trim()) return;
    input.value = "";
    fit();
    if (!(await does.say(text))) input.value = text;
    fit();
    input.focus();
  }

  function write(words = "") {
    isWriting = true;
    draw();
    if (words) input.value = words;
    fit();
    input.focus();
  }

  function toggle(open) {
    isOpen = open;
    isWriting = false;
    draw();
    node.querySelector(".menu-bar-toggle")?.focus();
  }

  function draw() {
    if (tie === "blocked") {
      node.replaceChildren(el("div", { class: "blocked-bar" }, el("p", null, t("blockedBar")),
        el("button", { type: "button", class: "go", onclick: () => does.tie("unblock") }, t("unblock"))));
      return;
    }
    const writing = isWriting || !menu;
    const parts = [];
    if (writing) {
      parts.push(el("div", { class: "write-bar" },
        menu ? iconButton("menu", t("toMenu"), () => toggle(true)) : null,
        iconButton("photo", t("photo"), does.choosePicture),
        iconButton("place", t("place"), does.sendPlace),
        el("div", { class: "write-field" }, input, iconButton("smile", t("sticker"), does.chooseSticker)),
        sendButton));
    } else {
      parts.push(el("div", { class: "menu-bar" },
        iconButton("keyboard", t("keyboard"), () => write()),
        el("button", { type: "button", class: "menu-bar-toggle", "aria-expanded": String(isOpen), onclick: () => toggle(!isOpen),
          "aria-label": t(isOpen ? "closeMenu" : "openMenu", menu.chatBarText) },
        el("span", null, menu.chatBarText), icon(isOpen ? "down" : "up"))));
      if (isOpen) parts.push(richMenu(channel, menu, does));
    }
    node.replaceChildren(...parts);
    fit();
  }

  function show(chat) {
    if (chat.tie === tie && chat.menu?.id === menu?.id && chat.menu?.has_image === menu?.has_image) return;
    // A tab of the same menu comes in the place of the one before; else the menu says itself whether it is open.
    if (!menu && chat.menu) isOpen = chat.menu.selected;
    const inMenu = node.contains(document.activeElement) && document.activeElement.classList.contains("spot");
    ({ tie, menu } = chat);
    draw();
    if (inMenu) node.querySelector(".spot")?.focus();
  }

  /** What a postback asks of the lower edge, beside its data. */
  function obey(action) {
    if (action.inputOption === "closeRichMenu") toggle(false);
    else if (action.inputOption === "openRichMenu") toggle(true);
    else if (["openKeyboard", "openVoice"].includes(action.inputOption)) write(action.fillInText ?? "");
  }

  return { node, show, write, obey };
}
