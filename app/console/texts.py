"""What the pages say of roles and of what goes wrong, in Japanese."""

from typing import Final

ROLE_NAMES: Final[dict[str, str]] = {
    "hq_admin": "本部 管理者",
    "marketer": "本部 マーケティング",
    "analyst": "本部 分析",
    "store_manager": "店長",
    "clerk": "店舗スタッフ",
}
ROLE_MEANINGS: Final[dict[str, str]] = {
    "hq_admin": "ブランドのすべてを見て、変えられます。スタッフとキーも管理します。",
    "marketer": "お客様、セグメント、クーポン、配信、天気ルールを扱います。",
    "analyst": "お客様、配信、クーポン、レポートを見られます。変えることはありません。",
    "store_manager": "担当店舗のお客様と注文を見て、クーポンの発行や店舗からの配信ができます。",
    "clerk": "担当店舗のレジで、クーポンを確かめて使えるようにします。",
}

SIGN_IN_FAILED: Final[dict[str, tuple[int, str, str]]] = {
    "not_configured": (
        503,
        "サインインはまだ使えません",
        "この Noren には、認証プロバイダーが設定されていません。管理者は NOREN_OIDC_ISSUER を設定してください。",
    ),
    "not_secure": (
        503,
        "サインインはまだ使えません",
        "この Noren は https で公開されていません。管理者は NOREN_PUBLIC_URL を確かめてください。",
    ),
    "unreachable": (
        503,
        "認証プロバイダーが応答しません",
        "少し待ってから、もう一度サインインしてください。",
    ),
    "not_started_here": (
        400,
        "サインインを最初からやり直してください",
        "このブラウザーで始めたサインインではないか、時間がたちすぎています。クッキーが使えないときにも起こります。",
    ),
    "declined": (403, "サインインを取りやめました", "もう一度サインインできます。"),
    "refused": (403, "サインインできませんでした", "認証プロバイダーがサインインを断りました。"),
    "not_proven": (
        403,
        "本人確認ができませんでした",
        "認証プロバイダーの答えが正しくありません。続くようなら、管理者に知らせてください。",
    ),
    "unverified_email": (
        403,
        "メールアドレスが未確認です",
        "認証プロバイダーでメールアドレスを確認してから、もう一度サインインしてください。",
    ),
    "not_staff": (
        403,
        "スタッフとして登録されていません",
        "サインインはできましたが、どのブランドのスタッフでもありません。招待された方は、招待のリンクを開いてください。",
    ),
}
"""By reason: the status, the heading, and what to do."""

PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "invitation-over": (
        "この招待は使えません",
        "すでに使われたか、取り消されたか、期限（7日間）が過ぎています。本部に新しい招待を頼んでください。",
    ),
    "invitation-not-yours": (
        "別の方への招待です",
        "招待されたメールアドレスとは違うアドレスでサインインしています。招待されたアドレスでやり直してください。",
    ),
    "already-staff": (
        "すでにこのブランドのスタッフです",
        "別のメールアドレスで登録されています。どちらを使うか、本部に確かめてください。",
    ),
    "request-forged": (
        "画面を開き直してください",
        "安全のため、この操作は受け付けませんでした。画面を開き直して、もう一度お試しください。",
    ),
    "not-found": ("ページが見つかりません", "アドレスを確かめてください。"),
}
"""By type of problem: the heading, and what to do."""

ELSE: Final = ("うまくいきませんでした", "しばらくしてから、もう一度お試しください。")
