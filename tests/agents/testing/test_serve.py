"""The double as a command."""

from __future__ import annotations

import re
import threading
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from genesys_agents.testing.serve import main


def test_it_says_how_to_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    until = threading.Event()
    serving = threading.Thread(target=main, args=(["--port", "0", "--broken", "0.5"], until))
    serving.start()
    told = ""
    while "Ctrl-C" not in told:
        time.sleep(0.01)
        told += capsys.readouterr().out
    found = re.search(r"llm\.api_base=(\S+)", told)
    assert found
    with pytest.raises(HTTPError):
        urlopen(found[1])
    until.set()
    serving.join()
    assert "agent=team llm=local" in told
