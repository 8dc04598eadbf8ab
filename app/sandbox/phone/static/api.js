/* The sandbox's own JSON, for one person. */

export class Failed extends Error {}

let personPath = "";

export function use(personId) {
  personPath = `/_sandbox/people/${encodeURIComponent(personId)}`;
}

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Failed("offline");
  }
  const text = await answer.text();
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    throw new Failed(`${answer.status}`);
  }
  if (!answer.ok) throw new Failed(value?.message ?? `${answer.status}`);
  return value;
}

const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};
const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const phones = (words) => call(`/_sandbox/phones${query({ q: words })}`);
export const makePerson = (name) => call("/_sandbox/people", json({ name }));
export const look = (values) => call(`${personPath}/chats${query(values)}`);
export const accounts = (words) => call(`${personPath}/accounts${query({ q: words })}`);
export const link = (url, chat) => call(`${personPath}/link${query({ url, chat })}`);
export const act = (name, body) => call(`${personPath}/${name}`, json(body));

/** A file of hers, as the body itself. */
export function upload(kind, channel, file) {
  return call(`${personPath}/${kind}${query({ channel, file_name: kind === "file" ? file.name : "" })}`,
    { method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file });
}

export const contentUrl = (messageId) => `${personPath}/chats/content/${messageId}`;
export const menuImageUrl = (channel, menuId) => `${personPath}/menu/image${query({ channel, v: menuId })}`;
