"""What LINE lets only a person switch or see, and where to click."""

from typing import Final, NamedTuple


class ManualStep(NamedTuple):
    """One thing to see to by hand."""

    step: str
    detail: str
    detail_ja: str
    where: str
    where_ja: str


_WEBHOOK = 'LINE Developers Console > the channel > "Messaging API" > "Webhook settings"'
_WEBHOOK_JA = "LINE Developersコンソール > チャネル > 「Messaging API設定」 > 「Webhook設定」"
_RESPONSES = 'LINE Official Account Manager > "Settings" > "Response settings"'
_RESPONSES_JA = "LINE Official Account Manager > 「設定」 > 「応答設定」"

MANUAL_STEPS: Final = (
    ManualStep(
        "use_webhook",
        'Switch "Use webhook" on, or nothing arrives.',
        "「Webhookの利用」をオンにします。オフのままでは何も届きません。",
        _WEBHOOK,
        _WEBHOOK_JA,
    ),
    ManualStep(
        "webhook_redelivery",
        'Switch "Webhook redelivery" on, so that LINE sends again what could not be taken; LINE has no way to ask it.',
        "「Webhookの再送」をオンにします。受け取れなかったものが再送されます(APIでは確認できません)。",
        _WEBHOOK,
        _WEBHOOK_JA,
    ),
    ManualStep(
        "greeting_message",
        'Switch "Greeting message" off if this account has a greeting here, or friends get both.',
        "こちらであいさつを設定する場合は「あいさつメッセージ」をオフにします。両方届くのを防ぎます。",
        _RESPONSES,
        _RESPONSES_JA,
    ),
    ManualStep(
        "auto_response",
        'Switch "Auto-response messages" off, or friends are answered twice.',
        "「応答メッセージ」をオフにします。二重の返信を防ぎます。",
        _RESPONSES,
        _RESPONSES_JA,
    ),
    ManualStep(
        "provider",
        "See that the channel stands under the brand's own provider: it can never be moved to another.",
        "チャネルがブランド自身のプロバイダーの下にあることを確かめます。あとから移すことはできません。",
        'LINE Developers Console > the channel > "Basic settings"',
        "LINE Developersコンソール > チャネル > 「チャネル基本設定」",
    ),
    ManualStep(
        "login_link",
        "Link this account to the LINE Login channel, which can offer one account only as a friend.",
        "LINEログインチャネルにこのアカウントをリンクします(リンクできるのは1アカウントだけです)。",
        'LINE Developers Console > the LINE Login channel > "Basic settings" > "Linked LINE Official Account"',
        "LINE Developersコンソール > LINEログインチャネル > 「チャネル基本設定」 > 「リンクされたLINE公式アカウント」",
    ),
)
