/* A stand-in for LINE's LIFF script, for pages under development: the same calls, answered by the sandbox.
   It keeps nothing but what liff.init() took from the address, for this tab and this app. */
"use strict";
(() => {
  const here = new URL(document.currentScript.src).origin;
  let opened = null;
  let liffId = null;
  let markReady;
  const ready = new Promise((resolve) => { markReady = resolve; });

  class LiffError extends Error {
    constructor(code, message) {
      super(message);
      this.name = "LiffError";
      this.code = code;
    }
  }

  const keptAs = () => `sandbox-liff:${liffId}`;
  const need = () => {
    if (!opened) throw new LiffError("UNAUTHORIZED", "Need to login; call liff.init() and liff.login() first.");
    return opened;
  };

  async function call(name, values = {}) {
    const answer = await fetch(`${here}/_sandbox/liff/call`, {
      method: "POST",
      headers: { "Content-Type": "text/plain" },
      body: JSON.stringify({ access_token: need().accessToken, call: name, ...values }),
    });
    const value = await answer.json();
    if (!answer.ok) throw new LiffError(value.code, value.message);
    return value;
  }

  /* Tokens and context stand in the fragment of the first address; they are taken away before the page uses it. */
  function takeFragment() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    if (!fragment.has("access_token") || !fragment.has("context")) return;
    const taken = {
      accessToken: fragment.get("access_token"),
      idToken: fragment.get("id_token"),
      context: JSON.parse(fragment.get("context")),
    };
    history.replaceState(history.state, "", location.pathname + location.search);
    if (taken.context.liffId !== liffId) return;
    sessionStorage.setItem(keptAs(), JSON.stringify(taken));
  }

  /* The second redirect: from the endpoint with liff.state to the page and query that the link named. */
  function followState() {
    const url = new URL(location.href);
    const state = url.searchParams.get("liff.state");
    if (state === null || !opened) return false;
    const endpoint = new URL(opened.context.endpointUrl);
    const [path, query = ""] = state.split("?");
    const target = new URL(endpoint);
    if (path) target.pathname = endpoint.pathname.replace(/\/$/, "") + path;
    for (const [name, value] of new URLSearchParams(query)) target.searchParams.append(name, value);
    if (target.pathname !== url.pathname) {
      location.replace(target);
      return true;
    }
    history.replaceState(history.state, "", target.pathname + target.search + url.hash);
    return false;
  }

  const liff = {
    ready,

    async init(config, done, failed) {
      try {
        if (!config || !config.liffId) throw new LiffError("INVALID_CONFIG", "liffId is necessary for liff.init()");
        liffId = config.liffId;
        takeFragment();
        opened = JSON.parse(sessionStorage.getItem(keptAs()) || "null");
        if (followState()) return new Promise(() => {});
        if (!opened && config.withLoginOnExternalBrowser) {
          liff.login();
          return new Promise(() => {});
        }
        markReady();
        if (done) done();
      } catch (error) {
        if (failed) failed(error);
        throw error;
      }
    },

    get id() { return liffId; },
    isLoggedIn: () => opened !== null,
    isInClient: () => opened !== null && opened.context.type !== "external",
    isApiAvailable: (name) => ["scanCodeV2", "permanentLink"].includes(name),
    getOS: () => "web",
    getLanguage: () => navigator.language,
    getAppLanguage: () => navigator.language,
    getVersion: () => "2.31.1",
    getLineVersion: () => null,

    login(options = {}) {
      const back = options.redirectUri || location.href.split("#")[0];
      location.assign(`${here}/liff/${liffId}?liff.redirectUri=${encodeURIComponent(back)}`);
    },

    logout() {
      sessionStorage.removeItem(keptAs());
      opened = null;
    },

    getAccessToken: () => (opened ? opened.accessToken : null),
    getIDToken: () => (opened ? opened.idToken : null),
    getContext: () => (opened ? opened.context : null),

    getDecodedIDToken() {
      if (!opened || !opened.idToken) return null;
      const body = opened.idToken.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
      const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
      return JSON.parse(new TextDecoder().decode(bytes));
    },

    getProfile: () => call("profile"),
    getFriendship: () => call("friendship"),
    sendMessages: (messages) => call("send", { messages }).then(() => undefined),

    openWindow({ url, external }) {
      window.open(url, external ? "_blank" : "_self", external ? "noopener" : undefined);
    },

    /* The app's tokens die with it. Whoever shows the page in a frame is told; a tab closes itself if it may. */
    async closeWindow() {
      if (opened) await call("close").catch(() => undefined);
      liff.logout();
      if (window.parent !== window) window.parent.postMessage({ type: "liff.closeWindow", liffId }, here);
      window.close();
    },

    async scanCodeV2() {
      const value = window.prompt("QRコードの内容(サンドボックスにはカメラがありません)");
      if (value === null) throw new LiffError("CANCEL", "User canceled scanning");
      return { value };
    },

    permanentLink: {
      async createUrlBy(url) {
        const endpoint = need().context.endpointUrl;
        if (!url.startsWith(endpoint)) throw new LiffError("INVALID_ARGUMENT", "The URL is not under the endpoint URL");
        const rest = url.slice(endpoint.length);
        const separator = rest && !/^[/?#]/.test(rest) ? "/" : "";
        return `${here}/liff/${liffId}${separator}${rest}`;
      },
    },
  };

  window.liff = liff;
})();
