/* The list of chats, and adding friends. */

import { accounts } from "./api.js";
import { followLink, offerFriend } from "./doings.js";
import { el, icon, iconButton } from "./dom.js";
import { face } from "./drawings.js";
import { field, notice, sheet } from "./sheets.js";
import { shortly, summary, t } from "./texts.js";

export function chatsView(phone) {
  const list = el("ul", { class: "chat-list" });
  const empty = el("p", { class: "empty", hidden: true }, t("noChats"));
  const title = el("h1", { class: "chats-title", tabindex: -1 }, t("chats"));
  const who = el("span", { class: "who-name" });
  const node = el("section", { class: "chats" },
    el("header", { class: "chats-head" },
      el("div", { class: "chats-head-words" }, title, who),
      el("a", { class: "icon-button people-link", href: `/phone${location.search}`, "aria-label": t("choosePerson"), title: t("choosePerson") }, icon("person")),
      iconButton("add", t("addFriend"), () => addFriend(phone))),
    el("div", { class: "chats-scroll" }, list, empty),
    el("p", { class: "hint" }, t("hint")));
  let mark = "";

  function show({ person, chats }) {
    who.textContent = person.name;
    const fresh = JSON.stringify(chats);
    if (fresh === mark) return;
    mark = fresh;
    const focused = document.activeElement?.dataset?.channel;
    list.replaceChildren(...chats.map(row));
    empty.hidden = chats.length > 0;
    if (focused) list.querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
  }

  function row(chat) {
    const last = chat.last;
    return el("li", null, el("button", { type: "button", class: "chat-row", "data-channel": chat.channel, onclick: () => phone.openChat(chat.channel) },
      face(chat.name, chat.channel),
      el("span", { class: "chat-row-words" },
        el("span", { class: "chat-row-name" }, chat.name, chat.tie === "blocked" ? el("span", { class: "tie" }, t("blocked")) : null),
        el("span", { class: "chat-row-last" }, last ? summary(last.type, last.text) : " ")),
      el("span", { class: "chat-row-side" },
        last ? el("time", { datetime: last.at }, shortly(last.at)) : null,
        chat.unread ? el("span", { class: "badge" }, el("span", { "aria-hidden": "true" }, chat.unread > 99 ? "99+" : String(chat.unread)), el("span", { class: "unseen" }, t("unread", chat.unread))) : null)));
  }

  return { node, show, focus: (channel) => (list.querySelector(`[data-channel="${CSS.escape(channel ?? "")}"]`) ?? title).focus() };
}

function addFriend(phone) {
  const { input, node } = field(t("addByLink"), { maxlength: 2000, autocomplete: "off", placeholder: "@abcd1234", autofocus: true });
  const search = field(t("findAccount"), { type: "search", autocomplete: "off" });
  const found = el("ul", { class: "account-list" });
  const open = async (text) => {
    shown.close();
    await followLink(phone, text);
  };
  const form = el("form", { class: "form", onsubmit: (event) => {
    event.preventDefault();
    if (input.value.trim()) open(input.value.trim());
  } }, node, el("button", { class: "go" }, t("open")));
  const code = "BarcodeDetector" in window
    ? el("label", { class: "file-choice" }, t("readQr"), el("input", { type: "file", accept: "image/*", onchange: (event) => readCode(event.target.files[0], open) }))
    : el("p", { class: "soft" }, t("noQrHere"));
  const shown = sheet(t("addFriend"), [form, code, search.node, found]);
  const fill = async () => {
    const { items } = await accounts(search.input.value);
    found.replaceChildren(...items.map((account) => el("li", null, el("button", { type: "button", class: "account", onclick: () => (shown.close(), offerFriend(phone, account)) },
      face(account.name, account.channel), el("span", { class: "account-words" }, el("strong", null, account.name), el("span", { class: "soft" }, account.basic_id)),
      account.tie === "stranger" ? null : el("span", { class: "tie" }, t(account.tie))))));
  };
  search.input.addEventListener("input", fill);
  fill();
}

async function readCode(file, open) {
  if (!file) return;
  try {
    const codes = await new window.BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(file));
    if (codes.length) open(codes[0].rawValue);
    else notice(t("qrNotFound"));
  } catch {
    notice(t("qrNotFound"));
  }
}
