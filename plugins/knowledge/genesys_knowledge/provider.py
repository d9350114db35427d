"""litellm, which reaches the providers of models."""

from __future__ import annotations

import logging
import os
import warnings
from functools import cache
from typing import Any


@cache
def litellm() -> Any:
    """The module, quiet; importing it takes seconds."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it looks it up for long
    import litellm

    # Of litellm's own types, which it never changes.
    warnings.filterwarnings("ignore", "Item .* on TypedDict class", UserWarning)
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.DEFAULT_MAX_RETRIES = 0  # else its clients try again on their own
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # it would log what is sent
    return litellm
