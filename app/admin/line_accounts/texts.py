"""Every sentence of the check, by what was found.

They name the switches as LINE's own pages do: "LINE Developers Console" and "LINE Official Account Manager".
"""

from typing import Final

from app.admin.line_accounts.sentences import Sentence
from app.admin.line_accounts.texts_connection import CONNECTION
from app.admin.line_accounts.texts_standing import STANDING

SENTENCES: Final[dict[str, Sentence]] = {**CONNECTION, **STANDING}
