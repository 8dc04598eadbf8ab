"""`python -m app.openapi FILE`: whether this version breaks what FILE published; what `make check` asks."""

import json
import sys
from pathlib import Path

from app.main import create_app
from app.openapi.changes import list_breaks
from app.settings import Settings

published = Path(sys.argv[1])
breaks = list_breaks(json.loads(published.read_text()), create_app(Settings()).openapi())
if breaks:
    sys.exit("\n".join([*breaks, f"\nThis breaks callers of {published}. CONTRIBUTING.md says what can be done."]))
