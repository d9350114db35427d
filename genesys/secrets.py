"""Keeps secrets out of prompts, records, logs and messages."""

from __future__ import annotations

import os
import re

_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
# Shorter values are words that occur anywhere.
_SHORTEST = 8
HIDDEN = "[secret]"


def hide_secrets(text: str) -> str:
    """The text without the values of environment variables whose names speak of a secret."""
    for name, value in os.environ.items():
        if _NAMES.search(name) and len(value) >= _SHORTEST and value in text:
            text = text.replace(value, HIDDEN)
    return text
