/* In a frame of the phone: the link is LINE's own, so the phone opens it. */
"use strict";
window.parent.postMessage({ type: "phone.link", link: `https://line.me${location.pathname}${location.search}` }, location.origin);
