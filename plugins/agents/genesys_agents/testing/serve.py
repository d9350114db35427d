"""The double as a server for people: ``python -m genesys_agents.testing.serve --port 8000``."""

from __future__ import annotations

import argparse
import threading
from contextlib import suppress

from genesys.testing.llm_server import LLMServer
from genesys_agents.testing.breaking import faulty
from genesys_agents.testing.competent import Competent

_TOLD = """\
A double of a language model answers at {url}. In another terminal:

  genesys evolve agent=team llm=local llm.api_base={url} \\
    'llm.prices={{openai/local:{{input_usd:0,output_usd:0,context:1000000}}}}'

Ctrl-C ends it."""


def main(arguments: list[str] | None = None, until: threading.Event | None = None) -> None:
    """Serve until Ctrl-C.

    Args:
        arguments: Of the command line; None for the process's.
        until: Ends it, too.
    """
    parser = argparse.ArgumentParser(prog="python -m genesys_agents.testing.serve")
    parser.add_argument("--port", type=int, default=8000, help="0 for a free one")
    parser.add_argument("--seed", type=int, default=0, help="another one has other ideas")
    parser.add_argument("--turns-down", type=float, default=0.0, help="share of proposals")
    parser.add_argument("--broken", type=float, default=0.0, help="share of broken units")
    told = parser.parse_args(arguments)
    double = Competent(seed=told.seed, turns_down=told.turns_down)
    with LLMServer(faulty(double, told.broken, told.seed), port=told.port) as server:
        print(_TOLD.format(url=server.url), flush=True)
        with suppress(KeyboardInterrupt):
            (until or threading.Event()).wait()


if __name__ == "__main__":
    main()
