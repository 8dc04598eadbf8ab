"""The sentences about what an account is and may do: quota, plan, provider, verification, LINE Login."""

from typing import Final

from app.admin.line_accounts.sentences import Sentence

STANDING: Final[dict[str, Sentence]] = {
    # Quota and plan.
    "quota_left": Sentence(
        "quota", "ok", "{used} of {limit} messages used this month.", "今月は{limit}通のうち{used}通を使いました。"
    ),
    "quota_unlimited": Sentence(
        "quota", "ok", "{used} messages used this month; LINE sets no limit.", "今月は{used}通を使いました(上限なし)。"
    ),
    "quota_low": Sentence(
        "quota",
        "advice",
        "{used} of {limit} messages of this month are used, over four fifths.",
        "今月の上限{limit}通のうち{used}通を使い、残りが2割を切りました。",
        'Plan what is left, or raise plan or extra messages in the LINE Official Account Manager, "Settings" >'
        ' "Usage and billing".',
        "残りの配信を調整するか、"
        "LINE Official Account Managerの「設定」→「利用と請求」でプランか追加メッセージを増やしてください。",
    ),
    "quota_exhausted": Sentence(
        "quota",
        "trouble",
        "This month's {limit} messages are used up: nothing more can be sent until the 1st, and only replies go out.",
        "今月の上限{limit}通を使い切ったため、来月1日まで配信できません(返信は送れます)。",
        'Raise plan or extra messages in the LINE Official Account Manager, "Settings" > "Usage and billing"; an'
        " upgrade counts at once.",
        "LINE Official Account Managerの「設定」→「利用と請求」でプランか追加メッセージを増やしてください。"
        "すぐに反映されます。",
    ),
    "quota_lags": Sentence(
        "quota_lag",
        "ok",
        "LINE counts {used} messages this month and {sent} have been sent from here: its count runs behind, or some"
        " people could not be reached, who cost nothing.",
        "LINEの集計は{used}通、こちらの送信は{sent}通です。"
        "LINEの集計は遅れることがあり、届かなかった分は数えられません。",
    ),
    "quota_others": Sentence(
        "quota_others",
        "advice",
        "At least {others} of the {used} messages of this month were sent by others than Noren, such as in the LINE"
        " Official Account Manager, or before the account was connected. So many fewer are left for campaigns.",
        "今月の{used}通のうち少なくとも{others}通は、LINE Official Account Managerなど、"
        "Noren以外から(または接続前に)送信されたものです。その分、配信できる通数が減っています。",
        "Have those who send there tell you in advance, or send by campaigns here: then their use is planned too.",
        "管理画面で配信する担当者と通数を決めておくか、Norenのキャンペーンから配信してください。",
    ),
    "plan_fits": Sentence(
        "plan", "ok", "{limit} messages a month: the {guess} plan.", "月{limit}通: {guess_ja}プランです。"
    ),
    "plan_unknown": Sentence(
        "plan",
        "ok",
        "{limit} messages a month, which is no plan's own number: extra messages or an own limit are set.",
        "月{limit}通は標準のプランの通数と異なります。追加メッセージや独自の上限が設定されています。",
    ),
    "plan_differs": Sentence(
        "plan",
        "advice",
        'The plan is stated as "{stated}", and {limit} messages a month look like the {guess} plan.',
        "プランは「{stated}」と登録されていますが、月{limit}通は{guess_ja}プランのようです。",
        'Correct `plan`, or look into the LINE Official Account Manager, "Settings" > "Usage and billing".',
        "登録内容を直すか、LINE Official Account Managerの「設定」→「利用と請求」を確認してください。",
    ),
    # Provider.
    "provider_alone": Sentence(
        "provider",
        "ok",
        "Provider {provider}, which no other account contradicts.",
        "プロバイダーは{provider}で、ほかのアカウントとの矛盾はありません。",
    ),
    "provider_differs": Sentence(
        "provider",
        "advice",
        "This account is stated under provider {provider}, and {count} others, such as {other}, under {other_provider}:"
        " the same person will look like two.",
        "このアカウントのプロバイダーは{provider}、ほかの{count}件({other}など)は{other_provider}です。"
        "同じ人が別人として数えられます。",
        "If the statement is wrong, correct provider_id; if it is right, people are joined by phone or member number:"
        ' see docs/line-accounts.md, "Two providers".',
        "登録が誤りならprovider_idを直し、"
        "正しければ電話番号や会員番号でつないでください(docs/line-accounts.md「Two providers」)。",
    ),
    "provider_wrong": Sentence(
        "provider",
        "trouble",
        "One LINE user id was seen under provider {provider} here and under {other_provider} at {other}; LINE gives no"
        " id to two providers, so one of the two is stated wrongly.",
        "同じLINEユーザーIDが、ここではプロバイダー{provider}、「{other}」では{other_provider}で見つかりました。"
        "IDはプロバイダーごとに異なるため、どちらかの登録が誤りです。",
        "Look in the LINE Developers Console which provider each of the two channels is under; see"
        ' docs/line-accounts.md, "A provider stated wrongly".',
        "LINE Developersコンソールで両方のチャネルのプロバイダーを確認してください"
        "(docs/line-accounts.md「A provider stated wrongly」)。",
    ),
    "provider_login": Sentence(
        "provider",
        "trouble",
        "LINE Login channel {login_channel} is given under provider {provider} here and under {other_provider} at"
        " {other}; a channel belongs to one provider, so one of the two is stated wrongly.",
        "LINEログインチャネル{login_channel}が、ここではプロバイダー{provider}、「{other}」では{other_provider}で登録されています。"
        "チャネルは1つのプロバイダーに属するため、どちらかの登録が誤りです。",
        "Look in the LINE Developers Console which provider the Login channel and both accounts are under, and correct"
        " provider_id or login_channel_id.",
        "LINE Developersコンソールで両方のプロバイダーを確認し、provider_idかlogin_channel_idを直してください。",
    ),
    # What the account may.
    "verified": Sentence(
        "verified",
        "ok",
        "The account is verified: its friends so far can be read.",
        "認証済アカウントです。これまでの友だちを取り込めます。",
    ),
    "unverified": Sentence(
        "verified",
        "advice",
        "The account is not verified: LINE does not tell who its friends are, so people appear as they follow, write or"
        " tap.",
        "未認証アカウントのため、これまでの友だち一覧を取得できません。友だちは追加・発言・操作したときに現れます。",
        'Request verification in the LINE Official Account Manager, "Settings" > "Account settings", and then start the'
        " back-fill.",
        "LINE Official Account Managerの「設定」→「アカウント設定」で認証を申請し、認証後に取り込みを始めてください。",
    ),
    "chat_off": Sentence("chat_mode", "ok", "Chats of LINE's manager are off.", "LINEのチャット機能はオフです。"),
    "chat_on": Sentence(
        "chat_mode",
        "advice",
        "Chats are on in LINE's manager, so messages can be answered in two places.",
        "LINE側のチャットがオンなので、メッセージに二か所から返信できる状態です。",
        'If they are answered here, switch "Chat" off in the LINE Official Account Manager, "Settings" > "Response'
        ' settings".',
        "こちらで返信する場合は、"
        "LINE Official Account Managerの「設定」→「応答設定」で「チャット」をオフにしてください。",
    ),
    "menu_foreign": Sentence(
        "rich_menu",
        "advice",
        "The rich menu that everybody sees was made by another tool, which must remove it before another can show.",
        "全員に表示中のリッチメニューは別のツールが作成したものです。差し替えるには、そのツールでの削除が必要です。",
        "Remove it in the tool that made it.",
        "作成したツールで削除してください。",
    ),
    "menu_free": Sentence(
        "rich_menu", "ok", "No other tool holds the rich menu.", "リッチメニューは他のツールに使われていません。"
    ),
    # LINE Login.
    "login_none": Sentence(
        "login",
        "advice",
        "No LINE Login channel is given, so people cannot sign in on pages and QR codes cannot tell who scanned them.",
        "LINEログインチャネルが未登録のため、ページでのログインやQRコードの読み取り元の特定ができません。",
        "Make one under the same provider, link this account to it, and send login_channel_id and"
        " login_channel_secret.",
        "同じプロバイダーにLINEログインチャネルを作り、"
        "このアカウントをリンクして、IDとシークレットを登録してください。",
    ),
    "login_no_secret": Sentence(
        "login",
        "advice",
        "A LINE Login channel is given without its secret, so nobody can sign in by it.",
        "LINEログインチャネルのシークレットが未登録のため、ログインに使えません。",
        'Send login_channel_secret; it stands on the tab "Basic settings" of the Login channel.',
        "LINEログインチャネルの「チャネル基本設定」にあるチャネルシークレットを登録してください。",
    ),
    "login_fits": Sentence(
        "login",
        "ok",
        "LINE accepts the Login channel's ID and secret.",
        "LINEログインチャネルのIDとシークレットは正しく登録されています。",
    ),
    "login_refused": Sentence(
        "login",
        "trouble",
        "LINE refuses the Login channel's ID and secret: they do not belong together.",
        "LINEログインチャネルのIDとシークレットの組み合わせがLINEに認められませんでした。",
        'Copy both again from the tab "Basic settings" of the Login channel.',
        "LINEログインチャネルの「チャネル基本設定」からコピーし直して登録してください。",
    ),
    # The rest.
    "forward_failing": Sentence(
        "forward",
        "trouble",
        "Forwarding this account's webhooks to the other tool has failed since {since}"
        " (Japan time); calls given up so far: {dead}.",
        "別ツールへのWebhook転送が{since}から失敗しています。再送を打ち切ったものは{dead}件です。",
        "See at …/forward/calls what the other tool answers. What waits goes out by itself when it answers again;"
        " what was given up goes with POST …/forward/retry.",
        "別ツールの応答は…/forward/callsで確認できます。待っているものは復旧後に自動で送られ、"
        "打ち切ったものは…/forward/retryで再送できます。",
    ),
    "forward_given_up": Sentence(
        "forward",
        "advice",
        "The other tool takes this account's webhooks; calls that were given up before: {dead}.",
        "別ツールへのWebhook転送は動いていますが、以前に再送を打ち切ったものが{dead}件あります。",
        "Send them again with POST …/forward/retry; those that nobody sends again are forgotten after 30 days.",
        "…/forward/retryで再送できます。再送しなければ30日後に消えます。",
    ),
    "test_mode": Sentence(
        "mode",
        "advice",
        "This account is in test mode: it talks to the look-alike of LINE, and no real person is reached.",
        "テストモードのアカウントです。LINEの模擬環境とだけ通信し、実在の人には届きません。",
        "Nothing is to be done; register a real channel when you are ready.",
        "対応は不要です。準備ができたら本番のチャネルを登録してください。",
    ),
}
