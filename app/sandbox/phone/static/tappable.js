/* What can be tapped, by finger, mouse or keyboard. */

import { el } from "./dom.js";

const hasAction = (value) => Array.isArray(value)
  ? value.some(hasAction)
  : Boolean(value && typeof value === "object" && (value.action || Object.values(value).some(hasAction)));

/** Whether something inside this part of a message can be tapped by itself. */
export const holdsAction = (part) => Object.entries(part).some(([name, value]) => name !== "action" && hasAction(value));

export const labelOf = (action) => action?.label || action?.displayText || action?.text || action?.uri || action?.linkUri || "";

/** Make a node a button. One that holds other buttons stays a plain area for the finger, with a button for the keys. */
export function tappable(node, action, tap, label, nested = false) {
  if (!action || !tap) return node;
  node.classList.add("tappable");
  node.addEventListener("click", (event) => {
    event.stopPropagation();
    tap(action);
  });
  if (nested) {
    node.append(el("button", { type: "button", class: "corner-button", onclick: (event) => {
      event.stopPropagation();
      tap(action);
    } }, label || labelOf(action)));
    return node;
  }
  node.tabIndex = 0;
  node.setAttribute("role", "button");
  const name = label || labelOf(action);
  if (name) node.setAttribute("aria-label", name);
  node.addEventListener("keydown", (event) => {
    if (event.target === node && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      tap(action);
    }
  });
  return node;
}
