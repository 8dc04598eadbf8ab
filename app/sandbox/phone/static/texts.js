/* What the page itself says, in Japanese and, by ?lang=en, in English. */

export const lang = new URLSearchParams(location.search).get("lang") === "en" ? "en" : "ja";
const locale = lang === "en" ? "en-GB" : "ja-JP";

const TEXTS = {
  title: ["お客さまのスマホ", "The customer's phone"],
  phoneOf: ["{0} さんのスマホ", "{0}'s phone"],
  chooseLead: ["だれのスマホを見ますか。ここで押したボタンや書いた言葉は、本物のLINEと同じ形でお店に届きます。",
    "Whose phone do you want to see? What you tap and write here reaches the shop just as LINE would tell it."],
  people: ["人", "People"],
  recent: ["最近ひらいた人", "Opened recently"],
  everyone: ["みんな", "Everyone"],
  found: ["見つかった人", "Found"],
  findPerson: ["名前かIDでさがす", "Search by name or id"],
  nobody: ["この名前の人はいません。", "Nobody has this name."],
  newPerson: ["新しい人をつくる", "Make a new person"],
  newName: ["名前", "Name"],
  make: ["つくる", "Make"],
  noSuchPerson: ["この人はいません。ほかの人を選んでください。", "There is no such person. Choose one."],
  choosePerson: ["人を選ぶ", "Choose a person"],
  chats: ["トーク", "Chats"],
  noChats: ["まだトークがありません。友だちを追加してみましょう。", "No chats yet. Add a friend."],
  addFriend: ["友だち追加", "Add friend"],
  addByLink: ["QRコードのリンク、友だち追加リンク、またはベーシックID(@…)", "Link of a QR code, add-friend link, or basic id (@…)"],
  readQr: ["QRコードの画像を読む", "Read a QR code from a picture"],
  noQrHere: ["このブラウザーはQRコードの画像を読めません。リンクを入力してください。", "This browser cannot read QR codes. Type the link."],
  qrNotFound: ["画像にQRコードが見つかりません。", "No QR code in this picture."],
  open: ["ひらく", "Open"],
  findAccount: ["アカウントをさがす", "Find an account"],
  unknownLink: ["このリンクは、このスマホではひらけません。", "This phone cannot open this link."],
  friend: ["友だち", "Friend"],
  add: ["追加", "Add"],
  blocked: ["ブロック中", "Blocked"],
  block: ["ブロックする", "Block"],
  unblock: ["ブロックを解除", "Unblock"],
  blockedBar: ["このアカウントをブロックしています。", "You block this account."],
  strangerBar: ["友だちではありません。", "Not a friend."],
  back: ["トーク一覧にもどる", "Back to chats"],
  more: ["メニュー", "More"],
  messages: ["{0} とのトーク", "Chat with {0}"],
  typeHere: ["メッセージを入力", "Type a message"],
  send: ["送信", "Send"],
  attach: ["写真・位置情報・スタンプ", "Picture, location, sticker"],
  photo: ["写真", "Picture"],
  place: ["位置情報", "Location"],
  sticker: ["スタンプ", "Sticker"],
  stickerNo: ["スタンプ {0}", "Sticker {0}"],
  keyboard: ["キーボードを出す", "Show keyboard"],
  toMenu: ["メニューにもどる", "Back to the menu"],
  openMenu: ["{0}をひらく", "Open {0}"],
  closeMenu: ["{0}をとじる", "Close {0}"],
  menuArea: ["メニュー {0}", "Menu area {0}"],
  older: ["前のメッセージを見る", "Earlier messages"],
  read: ["既読", "Read"],
  unread: ["未読 {0}件", "{0} unread"],
  unsend: ["送信を取り消す", "Unsend"],
  unsent: ["メッセージの送信を取り消しました", "You unsent a message"],
  ofMessage: ["このメッセージのメニュー", "About this message"],
  image: ["写真", "Picture"],
  video: ["動画", "Video"],
  audio: ["ボイスメッセージ", "Voice message"],
  location: ["位置情報", "Location"],
  imagemap: ["イメージマップ", "Image map"],
  template: ["メッセージ", "Message"],
  flex: ["メッセージ", "Message"],
  coupon: ["クーポン", "Coupon"],
  file: ["ファイル", "File"],
  text: ["メッセージ", "Message"],
  textV2: ["メッセージ", "Message"],
  notLoaded: ["読み込めません", "Not available"],
  cannotPlay: ["再生できません", "Cannot be played"],
  unknownMessage: ["このスマホでは表示できないメッセージです({0})。", "This phone cannot show this message ({0})."],
  quickReplies: ["返信の候補", "Quick replies"],
  slides: ["横にスクロールできます", "Scrolls sideways"],
  typing: ["{0} が入力中", "{0} is typing"],
  until: ["{0} まで", "until {0}"],
  take: ["クーポンを受け取る", "Get the coupon"],
  draw: ["抽選にチャレンジ", "Try your luck"],
  show: ["クーポンを見る", "Show the coupon"],
  use: ["使用済みにする", "Mark as used"],
  useLead: ["お会計のときに、この画面をお店の人に見せてください。", "Show this to the staff when you pay."],
  used: ["使用済み", "Used"],
  closed: ["終了しました", "Ended"],
  blank: ["残念、はずれでした。", "No luck this time."],
  won: ["受け取りました", "It is yours"],
  code: ["クーポンコード", "Coupon code"],
  condition: ["ご利用条件", "Conditions"],
  yen: ["{0}円", "{0} yen"],
  yenOff: ["{0}円引き", "{0} yen off"],
  percentOff: ["{0}%引き", "{0}% off"],
  free: ["無料", "Free"],
  gift: ["プレゼント", "Gift"],
  cashBack: ["キャッシュバック", "Cash back"],
  price: ["{0}円 → {1}円", "{0} yen → {1} yen"],
  choose: ["決定", "OK"],
  cancel: ["キャンセル", "Cancel"],
  close: ["とじる", "Close"],
  date: ["日付を選ぶ", "Choose a date"],
  time: ["時刻を選ぶ", "Choose a time"],
  datetime: ["日時を選ぶ", "Choose date and time"],
  inTab: ["新しいタブでひらく", "Open in a new tab"],
  page: ["ページ", "Page"],
  pageLead: ["何も表示されないときは、新しいタブでひらいてください。", "If nothing shows, open it in a new tab."],
  call: ["電話をかける: {0}", "Call: {0}"],
  copied: ["コピーしました", "Copied"],
  sendPlace: ["この場所を送る", "Send this place"],
  placeName: ["場所の名前", "Name of the place"],
  address: ["住所", "Address"],
  latitude: ["緯度", "Latitude"],
  longitude: ["経度", "Longitude"],
  places: ["よくある場所", "Usual places"],
  now: ["今", "now"],
  failed: ["できませんでした: {0}", "That did not work: {0}"],
  offline: ["サンドボックスにつながりません。", "The sandbox does not answer."],
  hint: ["開発用の模擬画面です。本物のLINEではありません。", "A look-alike for development. This is not LINE."],
  empty: ["左から、または一覧から、トークを選びます。", "Choose a chat."],
};

/** A text by its name, with values in place of {0}, {1}. */
export function t(name, ...values) {
  const text = TEXTS[name]?.[lang === "en" ? 1 : 0] ?? name;
  return text.replace(/\{(\d)\}/g, (_, place) => String(values[Number(place)] ?? ""));
}

const ZONE = { timeZone: "Asia/Tokyo" };
const CLOCK = new Intl.DateTimeFormat(locale, { ...ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(locale, { ...ZONE, month: "short", day: "numeric", weekday: "short" });
const SHORT = new Intl.DateTimeFormat(locale, { ...ZONE, month: "numeric", day: "numeric" });
const MOMENT = new Intl.DateTimeFormat(locale, { ...ZONE, year: "numeric", month: "numeric", day: "numeric",
  hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const clock = (at) => CLOCK.format(new Date(at));
export const day = (at) => DAY.format(new Date(at));
export const moment = (at) => MOMENT.format(new Date(at));

/** The time of today's, the date of others. */
export function shortly(at) {
  const when = new Date(at);
  return day(when) === day(new Date()) ? clock(when) : SHORT.format(when);
}

/** One line for a message in the list of chats and for who listens. */
export function summary(type, text) {
  if (type === "unsent") return t("unsent");
  if (type === "text" || type === "textV2" || !TEXTS[type]) return text || t("text");
  return text && ["flex", "template", "imagemap"].includes(type) ? text : `[${t(type)}]`;
}
