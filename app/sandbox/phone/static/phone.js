/* The page: who she is, what the sandbox says of her phone every second, and which of its two views is open. */

import { Failed, look, use } from "./api.js";
import { chatView } from "./chat.js";
import { chatsView } from "./chats.js";
import { followLink } from "./doings.js";
import { el, style } from "./dom.js";
import { peopleView } from "./people.js";
import { clock, lang, t } from "./texts.js";

const LOOK_MILLISECONDS = 800;
const REST_MILLISECONDS = 5000;
const AT_FIRST = 60;

document.documentElement.lang = lang;
document.title = t("title");
const desk = document.getElementById("desk");
const personId = decodeURIComponent(location.pathname.split("/")[2] ?? "") || null;

const channelInHash = () => new URLSearchParams(location.hash.slice(1)).get("chat");

function start() {
  if (personId === null) {
    desk.classList.add("desk-choosing");
    desk.append(el("main", { class: "choosing" }, peopleView(null)));
    return;
  }
  use(personId);
  const screen = el("main", { class: "screen" });
  const bar = el("div", { class: "status-bar", "aria-hidden": "true" }, el("span", { class: "status-clock" }), el("span", { class: "status-notch" }), el("span", { class: "status-signs" }, "5G ▮▮▮"));
  desk.append(peopleView(personId), el("div", { class: "device" }, bar, screen));
  const tick = () => { bar.firstChild.textContent = clock(Date.now()); };
  tick();
  setInterval(tick, 10_000);
  phoneOf(screen);
}

function phoneOf(screen) {
  let channel = channelInHash();
  let cursor = null;
  let state = null;
  let chat = null;
  let most = AT_FIRST;
  let looking = null;
  let stopped = false;
  const offline = el("p", { class: "offline", role: "alert", hidden: true }, t("offline"));

  const phone = {
    composer: null,
    draft: "",
    refresh: async () => {
      await looking;
      return lookNow();
    },
    openChat: (wanted) => {
      const hash = wanted ? `#chat=${encodeURIComponent(wanted)}` : "#";
      if (location.hash !== hash) history.pushState(null, "", location.pathname + location.search + hash);
      change(wanted);
    },
    showOlder: () => {
      most += AT_FIRST;
      return phone.refresh();
    },
    findCoupon: (id) => state?.chat?.messages.find((item) => item.coupon?.id === id)?.coupon ?? null,
  };
  const chats = chatsView(phone);
  screen.append(chats.node, offline);

  function change(wanted) {
    const before = channel;
    if (wanted === before && (chat || !wanted)) return;
    channel = wanted;
    most = AT_FIRST;
    chat?.node.remove();
    chat = null;
    phone.composer = null;
    screen.classList.toggle("in-chat", Boolean(channel));
    chats.node.inert = Boolean(channel);
    if (!channel) chats.focus(before);
    cursor = null;
    phone.refresh();
  }

  async function lookNow() {
    const asked = channel;
    looking = (async () => {
      try {
        const seen = await look({ since: cursor, channel: asked, messages: most === AT_FIRST ? null : most });
        offline.hidden = true;
        if (seen.changed && asked === channel) await draw(seen);
      } catch (failure) {
        if (!(failure instanceof Failed)) throw failure;
        if (/no person|deleted/.test(failure.message)) return gone();
        if (/no channel/.test(failure.message)) return phone.openChat(null);
        offline.hidden = false;
      }
    })();
    await looking;
  }

  async function draw(seen) {
    cursor = seen.cursor;
    state = seen;
    document.title = t("phoneOf", seen.person.name);
    chats.show(seen);
    if (!seen.chat) return;
    const isFirst = chat === null;
    if (isFirst) {
      chat = chatView(phone, seen.chat.channel);
      screen.insertBefore(chat.node, offline);
    }
    chat.show(seen.chat);
    if (isFirst) {
      chat.focus();
      requestAnimationFrame(chat.toEnd);
      if (phone.draft) phone.composer.write(phone.draft);
      phone.draft = "";
      await chat.read(true);
    } else if (seen.chats.find((each) => each.channel === channel)?.unread) {
      await chat.read(false);
    }
  }

  function gone() {
    stopped = true;
    screen.replaceChildren(el("div", { class: "gone" }, el("h1", null, t("noSuchPerson")), el("a", { class: "go", href: `/phone${location.search}` }, t("choosePerson"))));
  }

  async function lookForever() {
    while (!stopped) {
      await phone.refresh();
      await new Promise((resolve) => { setTimeout(resolve, document.hidden ? REST_MILLISECONDS : LOOK_MILLISECONDS); });
    }
  }

  window.addEventListener("popstate", () => change(channelInHash()));
  document.addEventListener("visibilitychange", () => document.hidden || phone.refresh());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && channel && !event.defaultPrevented) phone.openChat(null);
  });
  screen.classList.toggle("in-chat", Boolean(channel));
  chats.node.inert = Boolean(channel);
  lookForever();
  const linked = new URLSearchParams(location.hash.slice(1)).get("link");
  if (linked) {
    history.replaceState(null, "", location.pathname + location.search);
    followLink(phone, linked);
  }
}

start();
style(document.documentElement, { "--ready": 1 });
