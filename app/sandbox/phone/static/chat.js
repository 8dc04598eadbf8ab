/* One chat: head, messages, quick replies, and the composer. Only what has changed is drawn anew. */

import { act } from "./api.js";
import { content } from "./bubbles.js";
import { doingsOf } from "./doings.js";
import { el, icon, iconButton } from "./dom.js";
import { face, picture } from "./drawings.js";
import { composer } from "./menu.js";
import { sheet, speak } from "./sheets.js";
import { clock, day, summary, t } from "./texts.js";

const NEAR_END_PIXELS = 120;

export function chatView(phone, channel) {
  const does = doingsOf(phone, channel);
  const title = el("h1", { class: "chat-title", tabindex: -1 });
  const strip = el("div", { class: "stranger-strip" });
  const list = el("ol", { class: "log" });
  const typing = el("div", { class: "typing", hidden: true }, el("span"), el("span"), el("span"));
  const older = el("button", { type: "button", class: "older", hidden: true, onclick: () => phone.showOlder() }, t("older"));
  const quick = el("div", { class: "quick slides", role: "group", "aria-label": t("quickReplies") });
  const scroll = el("div", { class: "scroll", tabindex: 0, role: "log", "aria-live": "off" }, older, list, typing);
  const lower = composer(phone, channel, does);
  phone.composer = lower;
  const node = el("section", { class: "chat" },
    el("header", { class: "chat-head" },
      iconButton("back", t("back"), () => phone.openChat(null)), title,
      iconButton("more", t("more"), () => more())),
    strip, scroll, quick, lower.node);
  const drawn = new Map();
  let shown = null;
  let quickOf = null;
  let hiddenLoading = null;
  let stays = true;
  // Pictures come late and make room for themselves: who was at the end stays there.
  scroll.addEventListener("scroll", () => { stays = isNearEnd(); }, { passive: true });
  list.addEventListener("load", () => stays && toEnd(), true);

  function show(chat) {
    const isFirst = shown === null;
    const atEnd = isFirst || isNearEnd();
    const fromEnd = scroll.scrollHeight - scroll.scrollTop;
    const firstBefore = shown?.messages[0]?.id;
    const lastBefore = shown?.messages.at(-1)?.id;
    title.textContent = chat.name;
    scroll.setAttribute("aria-label", t("messages", chat.name));
    strip.hidden = chat.tie !== "stranger";
    if (!strip.hidden && !strip.firstChild) {
      strip.append(el("span", null, t("strangerBar")),
        el("button", { type: "button", class: "small-go", onclick: () => does.tie("follow") }, t("add")));
    }
    older.hidden = !chat.has_more;
    drawMessages(chat);
    drawQuick(chat);
    drawTyping(chat);
    lower.show(chat);
    shown = chat;
    const last = chat.messages.at(-1);
    if (!isFirst && last && last.id !== lastBefore && !last.hers) {
      speak(`${chat.name}: ${summary(last.message.type, last.message.text ?? last.message.altText)}`);
    }
    if (atEnd || (last && last.id !== lastBefore && last.hers)) toEnd();
    else if (firstBefore !== chat.messages[0]?.id) scroll.scrollTop = scroll.scrollHeight - fromEnd;
  }

  function isNearEnd() {
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PIXELS;
  }

  function toEnd() {
    stays = true;
    scroll.scrollTop = scroll.scrollHeight;
  }

  function drawMessages(chat) {
    const wanted = [];
    let before = null;
    for (const item of chat.messages) {
      if (!before || day(before.at) !== day(item.at)) wanted.push([`day ${day(item.at)}`, null, () => el("li", { class: "day" }, el("span", null, day(item.at)))]);
      const sender = item.hers ? null : item.message.sender?.name ?? chat.name;
      const isHead = !item.hers && (!before || before.hers || day(before.at) !== day(item.at) || (before.message.sender?.name ?? chat.name) !== sender);
      wanted.push([item.id, `${JSON.stringify(item)}${isHead}${sender}`, () => row(item, isHead, chat)]);
      before = item;
    }
    const keys = new Set(wanted.map(([key]) => key));
    for (const [key, each] of drawn) {
      if (!keys.has(key)) {
        each.node.remove();
        drawn.delete(key);
      }
    }
    let place = list.firstChild;
    for (const [key, mark, make] of wanted) {
      let each = drawn.get(key);
      if (!each || each.mark !== mark) {
        const fresh = make();
        if (each) {
          if (place === each.node) place = fresh;
          each.node.replaceWith(fresh);
        }
        each = { node: fresh, mark };
        drawn.set(key, each);
      }
      if (each.node === place) place = place.nextSibling;
      else list.insertBefore(each.node, place);
    }
  }

  function row(item, isHead, chat) {
    const kind = item.unsent ? "unsent-row" : `kind-${item.message.type}`;
    const meta = el("div", { class: "meta" },
      item.hers && !item.unsent ? iconButton("more", t("ofMessage"), () => about(item), { class: "icon-button about" }) : null,
      item.hers && item.read ? el("span", null, t("read")) : null,
      el("time", { datetime: item.at }, clock(item.at)));
    const bubble = el("div", { class: "bubble" }, content(item, does));
    if (item.unsent) return el("li", { class: "row system" }, bubble);
    if (item.hers) return el("li", { class: `row hers ${kind}` }, meta, bubble);
    const sender = item.message.sender;
    return el("li", { class: `row theirs ${kind}` },
      isHead ? face(sender?.name ?? chat.name, chat.channel, sender?.iconUrl) : el("span", { class: "face-space" }),
      el("div", { class: "stack" },
        el("span", { class: isHead ? "sender" : "unseen" }, sender?.name ?? chat.name),
        el("div", { class: "bubble-line" }, bubble, meta)));
  }

  /** Answers that are offered stay only under the last message of all. */
  function drawQuick(chat) {
    const last = chat.messages.at(-1);
    const items = last && !last.hers && chat.tie !== "blocked" ? last.message.quickReply?.items ?? [] : [];
    const mark = items.length ? last.id : null;
    if (mark === quickOf) return;
    quickOf = mark;
    quick.replaceChildren(...items.map(({ action, imageUrl }) => el("button", { type: "button", class: "quick-item", onclick: () => does.tap(action) },
      imageUrl ? picture(imageUrl, "") : { camera: icon("photo"), cameraRoll: icon("photo"), location: icon("place") }[action.type],
      el("span", null, action.label ?? ""))));
    quick.hidden = !items.length;
  }

  /** Three dots until the account's next message, at most as long as it asked for. */
  function drawTyping(chat) {
    const last = chat.messages.at(-1);
    if (shown && last && !last.hers && last.id !== shown.messages.at(-1)?.id) hiddenLoading = chat.loading_until;
    const isShown = Boolean(chat.loading_until) && chat.loading_until !== hiddenLoading;
    if (isShown && typing.hidden) speak(t("typing", chat.name));
    typing.hidden = !isShown;
  }

  function about(item) {
    const opened = sheet(t("ofMessage"), el("div", { class: "choices" },
      el("button", { type: "button", class: "choice choice-careful", onclick: () => (opened.close(), does.unsend(item.id)) }, t("unsend"))));
  }

  function more() {
    const choices = { friend: [["block", "block"]], blocked: [["unblock", "unblock"]], stranger: [["follow", "add"]] }[shown.tie];
    const opened = sheet(shown.name, el("div", { class: "choices" },
      el("div", { class: "friend-offer" }, face(shown.name, channel), el("strong", null, shown.name), el("span", { class: "soft" }, shown.basic_id)),
      choices.map(([name, label]) => el("button", { type: "button", class: name === "block" ? "choice choice-careful" : "choice",
        onclick: () => (opened.close(), does.tie(name)) }, t(label)))));
  }

  let reading = false;

  /** She looks at the chat: what is new has been seen. Opening it counts once more, as at LINE. */
  async function read(opening) {
    if (reading || document.hidden) return;
    reading = true;
    try {
      await act("chats/read", { channel, opening });
    } catch {
      // The next look tries again.
    } finally {
      reading = false;
    }
  }

  return { node, show, read, focus: () => title.focus(), toEnd };
}
