/* What comes up over the phone: sheets from below and short notices. One at a time; what lies under rests meanwhile. */

import { el, iconButton } from "./dom.js";
import { t } from "./texts.js";

let opened = null;

/** Open a sheet with a title and return its body and a way to close it. Escape and the ground behind close it, too. */
export function sheet(title, children, { full = false, onclose = null, tools = [] } = {}) {
  opened?.close();
  const screen = document.querySelector(".screen") ?? document.body;
  const before = document.activeElement;
  const body = el("div", { class: "sheet-body" }, children);
  const panel = el("div", { class: full ? "sheet sheet-full" : "sheet", role: "dialog", "aria-modal": "true", "aria-label": title, tabindex: -1 },
    el("div", { class: "sheet-head" }, el("h2", null, title), tools, iconButton("close", t("close"), () => close())),
    body);
  const ground = el("div", { class: "sheet-ground", onclick: (event) => event.target === ground && close(),
    onkeydown: (event) => event.key === "Escape" && (event.stopPropagation(), close()) }, panel);
  const resting = [...document.querySelectorAll(".screen > *, .people-side")];
  for (const each of resting) each.inert = true;
  screen.append(ground);
  const first = panel.querySelector("[autofocus], .sheet-body input:not([type=hidden]), .sheet-body button, .sheet-body select");
  (first ?? panel).focus({ preventScroll: true });

  function close() {
    if (opened?.close !== close) return;
    opened = null;
    ground.remove();
    for (const each of resting) each.inert = false;
    if (before?.isConnected) before.focus();
    onclose?.();
  }
  opened = { close };
  return { body, close };
}

/** Say something for a moment at the lower edge, and to who listens. */
export function notice(text) {
  document.querySelector(".notice")?.remove();
  const node = el("p", { class: "notice" }, text);
  (document.querySelector(".screen") ?? document.body).append(node);
  speak(text);
  setTimeout(() => node.remove(), 3500);
}

export function speak(text) {
  document.getElementById("spoken").textContent = text;
}

/** A field with its label above. */
export function field(label, props) {
  const input = el("input", { class: "input", ...props });
  return { input, node: el("label", { class: "field" }, el("span", null, label), input) };
}
