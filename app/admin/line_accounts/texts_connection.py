"""The sentences about the way between LINE and us: credentials, the account behind them, webhooks."""

from typing import Final

from app.admin.line_accounts.sentences import Sentence

_CREDENTIALS = (
    'In the LINE Developers Console open the channel and its tab "Basic settings", copy channel ID and channel secret'
    " again, and send these."
)
_CREDENTIALS_JA = (
    "LINE Developersコンソールでチャネルの「チャネル基本設定」を開き、"
    "チャネルIDとチャネルシークレットをコピーし直して登録してください。"
)
_WEBHOOK_PLACE = 'the LINE Developers Console, tab "Messaging API", section "Webhook settings"'
_WEBHOOK_PLACE_JA = "LINE Developersコンソールの「Messaging API設定」タブにある「Webhook設定」"
_AGAIN = "Check again in a few minutes; until LINE answers, a worker tries again by itself."
_AGAIN_JA = "数分後にもう一度確認してください。LINEにつながるまで、自動でも再確認します。"

CONNECTION: Final[dict[str, Sentence]] = {
    # The way to LINE.
    "unreachable": Sentence(
        "line",
        "trouble",
        "LINE cannot be reached just now ({why}), so this account could not be checked.",
        "いまLINEに接続できないため({why})、このアカウントを確認できませんでした。",
        _AGAIN,
        _AGAIN_JA,
    ),
    "not_finished": Sentence(
        "line",
        "trouble",
        "The check has begun and its end was not written down.",
        "確認を始めましたが、結果がまだ記録されていません。",
        _AGAIN,
        _AGAIN_JA,
    ),
    "asked_too_often": Sentence(
        "line",
        "advice",
        "LINE was asked about this account too often just now, so not everything could be checked.",
        "LINEへの問い合わせが多すぎたため、一部を確認できませんでした。",
        "Check again in an hour.",
        "1時間ほどおいてから、もう一度確認してください。",
    ),
    "no_test_host": Sentence(
        "line",
        "trouble",
        "This account is in test mode and the installation no longer names a test host.",
        "テストモードのアカウントですが、この環境にはテスト用の接続先が設定されていません。",
        "Set NOREN_LINE_TEST_URL, or archive the account.",
        "NOREN_LINE_TEST_URLを設定するか、このアカウントを削除してください。",
    ),
    "odd_answer": Sentence(
        "line",
        "advice",
        'LINE answered the check "{what}" in a way that is not understood here ({why}).',
        "確認項目「{what}」に対するLINEの回答を読み取れませんでした({why})。",
        "Check again later; if it stays, tell whoever runs this installation.",
        "時間をおいて確認し、続くようなら管理者に知らせてください。",
    ),
    # Token.
    "secret_fits": Sentence(
        "token",
        "ok",
        "LINE accepts the channel ID and secret.",
        "チャネルIDとチャネルシークレットは正しく登録されています。",
    ),
    "secret_refused": Sentence(
        "token",
        "trouble",
        "LINE refuses this channel ID and secret: they do not belong together.",
        "チャネルIDとチャネルシークレットの組み合わせがLINEに認められませんでした。",
        _CREDENTIALS,
        _CREDENTIALS_JA,
    ),
    "secret_ended": Sentence(
        "token",
        "trouble",
        "The channel secret was good and no longer is: it was reissued, or the channel was deleted.",
        "これまで有効だったチャネルシークレットが使えなくなりました。再発行されたか、チャネルが削除されています。",
        _CREDENTIALS,
        _CREDENTIALS_JA,
    ),
    "secret_shut": Sentence(
        "token",
        "trouble",
        "The channel secret that is kept here cannot be opened with the installation's master keys.",
        "保存されているチャネルシークレットを、この環境のマスターキーで開けません。",
        "Whoever runs this installation adds the missing key to NOREN_MASTER_KEYS; else send the channel secret again.",
        "管理者がNOREN_MASTER_KEYSに不足している鍵を追加するか、チャネルシークレットを登録し直してください。",
    ),
    "token_refused": Sentence(
        "token",
        "trouble",
        "LINE gives this channel a token and then refuses it: the account is suspended, deleted, or has left the"
        " Messaging API.",
        "LINEが発行したアクセストークンが拒否されます。"
        "アカウントが停止・削除されたか、Messaging APIの利用が終わっています。",
        "Open the account in the LINE Official Account Manager; if it shows a notice, follow it, else contact LINE's"
        " support with its basic ID.",
        "LINE Official Account Managerでアカウントを開き、案内が出ていれば従い、"
        "なければベーシックIDを添えてLINEのサポートに問い合わせてください。",
    ),
    # Bot.
    "bot_known": Sentence(
        "bot", "ok", "The channel belongs to {name} ({basic_id}).", "チャネルは「{name}」({basic_id})のものです。"
    ),
    "bot_changed": Sentence(
        "bot",
        "trouble",
        "The channel belongs to another LINE account than before: {name} ({basic_id}).",
        "チャネルが以前とは別のアカウント「{name}」({basic_id})のものになっています。",
        "Register it as an account of its own, and archive this one.",
        "新しいアカウントとして登録し、このアカウントは削除してください。",
    ),
    "duplicate": Sentence(
        "duplicate",
        "trouble",
        "The same LINE account is registered here already, as {other}.",
        "同じLINE公式アカウントが、すでに「{other}」として登録されています。",
        "Archive one of the two.",
        "どちらか一方を削除してください。",
    ),
    # Webhook.
    "webhook_set": Sentence("webhook", "ok", "LINE sends this account's webhooks here.", "Webhookはここに届きます。"),
    "webhook_connected": Sentence(
        "webhook", "ok", "From now on LINE sends this account's webhooks here.", "これからWebhookはここに届きます。"
    ),
    "webhook_moved": Sentence(
        "webhook",
        "advice",
        "From now on LINE sends this account's webhooks here, and no longer to {before}.",
        "これからWebhookはここに届き、{before} には届かなくなります。",
        "If the other tool still needs them, have them forwarded: see docs/forwarding.md.",
        "以前のツールにも必要な場合は、転送を設定してください(docs/forwarding.md)。",
    ),
    "webhook_elsewhere": Sentence(
        "webhook",
        "trouble",
        "LINE sends this account's webhooks to another tool: {before}.",
        "Webhookが別のツール({before})に送られています。",
        "Call POST …/check to have them sent here, or write this account's webhook_url into " + _WEBHOOK_PLACE + ".",
        "「確認」を実行してこちらに切り替えるか、"
        + _WEBHOOK_PLACE_JA
        + "のURLをこのアカウントのwebhook_urlにしてください。",
    ),
    "webhook_missing": Sentence(
        "webhook",
        "trouble",
        "No webhook address is set at LINE.",
        "LINEにWebhook URLが設定されていません。",
        "Call POST …/check, which sets it.",
        "「確認」を実行すると設定されます。",
    ),
    "webhook_refused": Sentence(
        "webhook",
        "trouble",
        "LINE refuses our webhook address ({why}), which must be public and https.",
        "Webhook URLがLINEに受け付けられませんでした({why})。公開されたhttpsのURLである必要があります。",
        "Whoever runs this installation sets NOREN_PUBLIC_URL to its public https address.",
        "管理者がNOREN_PUBLIC_URLに公開のhttpsアドレスを設定してください。",
    ),
    "webhook_on": Sentence("webhook_active", "ok", '"Use webhook" is on.', "「Webhookの利用」はオンです。"),
    "webhook_off": Sentence(
        "webhook_active",
        "trouble",
        "Webhooks are switched off at LINE, so follows, messages and taps do not arrive.",
        "LINE側でWebhookがオフになっているため、友だち追加やメッセージが届きません。",
        'Switch "Use webhook" and "Webhook redelivery" on in ' + _WEBHOOK_PLACE + ".",
        _WEBHOOK_PLACE_JA + "で「Webhookの利用」と「Webhookの再送」をオンにしてください。",
    ),
    "test_passed": Sentence(
        "webhook_test", "ok", "LINE's test call arrived and was answered.", "LINEからのテスト呼び出しに応答できました。"
    ),
    "test_could_not_connect": Sentence(
        "webhook_test",
        "trouble",
        "LINE could not connect to our webhook address ({detail}).",
        "LINEがWebhook URLに接続できませんでした({detail})。",
        "Whoever runs this installation looks at its DNS name, firewall and certificate: a public certificate and"
        " TLS 1.2 or newer are needed, and no list of permitted addresses.",
        "管理者がDNS、ファイアウォール、証明書を確認してください。"
        "公的な証明書とTLS 1.2以上が必要で、IPアドレス制限はできません。",
    ),
    "test_request_timeout": Sentence(
        "webhook_test",
        "trouble",
        "Our webhook address did not answer LINE within its time.",
        "Webhook URLが制限時間内にLINEへ応答しませんでした。",
        "Whoever runs this installation looks at the load of `noren serve` and its database; noren doctor helps.",
        "管理者がサーバーとデータベースの負荷を確認してください(noren doctor)。",
    ),
    "test_error_status_code": Sentence(
        "webhook_test",
        "trouble",
        "Our webhook address answered LINE's test with status {detail}.",
        "LINEのテスト呼び出しに対し、Webhook URLがステータス{detail}を返しました。",
        "At 401 the channel secret is not the present one: enter it anew. At 404 another server answers at the public"
        " address. At 5xx look at the logs.",
        "401ならチャネルシークレットが古いので登録し直し、"
        "404なら公開アドレスの向き先を、5xxならログを確認してください。",
    ),
    "test_unclassified": Sentence(
        "webhook_test",
        "trouble",
        "LINE's test call failed for a reason that it does not name ({detail}).",
        "LINEのテスト呼び出しが、分類されていない理由で失敗しました({detail})。",
        "Check again in a minute; if it stays, open " + _WEBHOOK_PLACE + ' and press "Verify".',
        "1分後に再確認し、続く場合は" + _WEBHOOK_PLACE_JA + "で「検証」を押してください。",
    ),
    "wrong_destination": Sentence(
        "destination",
        "trouble",
        "Webhooks of another LINE account arrive at this account's address.",
        "別のLINE公式アカウントのWebhookが、このアカウントのURLに届いています。",
        "In the LINE Developers Console look which channel has this account's webhook_url, and give it its own.",
        "LINE Developersコンソールで、このwebhook_urlを設定しているチャネルを探し、正しいURLに直してください。",
    ),
    "heard": Sentence("heard", "ok", "Webhooks arrive.", "Webhookが届いています。"),
    "heard_soon": Sentence(
        "heard",
        "ok",
        "Nothing has arrived yet, which is as it should be on the first day.",
        "まだ何も届いていませんが、登録初日なので問題ありません。",
    ),
    "never_heard": Sentence(
        "heard",
        "advice",
        "Nothing has ever arrived from this account, though its webhook is on.",
        "Webhookはオンですが、このアカウントからはまだ何も届いていません。",
        "Send it a message from a phone that is its friend; if nothing arrives, check again.",
        "友だちになっているスマートフォンからメッセージを送り、届かなければもう一度確認してください。",
    ),
    "not_heard": Sentence(
        "heard",
        "advice",
        "Nothing has arrived from this account for {days} days, though its webhook is on.",
        "Webhookはオンですが、{days}日間このアカウントから何も届いていません。",
        "Send it a message from a phone that is its friend; if nothing arrives, check again.",
        "友だちになっているスマートフォンからメッセージを送り、届かなければもう一度確認してください。",
    ),
}
