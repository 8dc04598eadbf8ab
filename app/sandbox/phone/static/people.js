/* Choosing who one is: search, who was open lately, everybody, and somebody new. */

import { Failed, makePerson, phones } from "./api.js";
import { el } from "./dom.js";
import { face } from "./drawings.js";
import { field } from "./sheets.js";
import { t } from "./texts.js";

const WAIT_MILLISECONDS = 180;
/** A link that waits for somebody to open it goes along. */
const waitingLink = () => (location.hash.startsWith("#link=") ? location.hash : "");
const pathOf = (person) => `/phone/${encodeURIComponent(person.id)}${location.search}${waitingLink()}`;

/** The list; `current` is the id of the person whose phone stands beside it. */
export function peopleView(current) {
  const search = field(t("findPerson"), { type: "search", autocomplete: "off", class: "input" });
  const results = el("div", { class: "people-results" });
  const name = field(t("newName"), { maxlength: 100, required: true, placeholder: "暖簾 はな", autocomplete: "off" });
  const wrong = el("p", { class: "wrong", role: "alert" });
  const node = el("nav", { class: "people-side", "aria-label": t("people") },
    el("div", { class: "people-head" }, el(current === null ? "h1" : "h2", null, t("title")), el("p", { class: "soft" }, t("chooseLead"))),
    search.node, results,
    el("form", { class: "form people-new", "aria-label": t("newPerson"), onsubmit: async (event) => {
      event.preventDefault();
      try {
        location.assign(pathOf(await makePerson(name.input.value.trim())));
      } catch (failure) {
        if (!(failure instanceof Failed)) throw failure;
        wrong.textContent = t("failed", failure.message);
      }
    } }, el("h3", null, t("newPerson")), name.node, wrong, el("button", { class: "go" }, t("make"))));

  function group(title, people) {
    if (!people.length) return null;
    return el("section", null, el("h3", null, title), el("ul", { class: "people-list" }, people.map((person) => el("li", null,
      el("a", { class: "person", href: pathOf(person), "aria-current": person.id === current ? "page" : null },
        face(person.name, person.id), el("span", { class: "person-words" }, el("span", { class: "person-name" }, person.name), el("span", { class: "soft" }, person.id)))))));
  }

  let asked = 0;
  async function fill() {
    const words = search.input.value.trim();
    const turn = asked += 1;
    const { recent, items } = await phones(words);
    if (turn !== asked) return;
    const lately = new Set(recent.map((person) => person.id));
    results.replaceChildren(...(words
      ? [group(t("found"), items) ?? el("p", { class: "soft" }, t("nobody"))]
      : [group(t("recent"), recent), group(t("everyone"), items.filter((person) => !lately.has(person.id)))]).filter(Boolean));
  }
  let waiting = 0;
  search.input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fill, WAIT_MILLISECONDS);
  });
  fill();
  return node;
}
