"""The process that parses a file: ``python -m genesys_knowledge.papers.child <kind> <MB>``.

The file comes on the standard input, the document goes as JSON to the standard output.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from dataclasses import asdict

from genesys_knowledge.papers.document import RefusedError

REFUSED, NO_MEMORY, NO_MODULE = 3, 4, 5
CPU_SECONDS = 600
MOST_OUTPUT = 40 * 2**20


def main(kind: str, most_mb: int) -> int:
    """Parse, within limits.

    Returns:
        The exit status.
    """
    _confine(most_mb)
    try:
        sys.stdout.write(_parsed(sys.stdin.buffer.read(), kind))
        return 0
    except RefusedError as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        return NO_MEMORY
    except ModuleNotFoundError:
        return NO_MODULE


def _parsed(data: bytes, kind: str) -> str:
    from genesys_knowledge.papers import pdf, plain, web

    parsers = {"pdf": pdf.parse, "html": web.parse}
    document = parsers[kind](data) if kind in parsers else plain.parse(data, kind)
    if not any(section.text for section in document.sections):
        raise RefusedError("it holds no text")
    return json.dumps(asdict(document))


def _confine(most_mb: int) -> None:
    """No more memory, time and output than this, and no core dumps."""
    for limit, value in (
        (resource.RLIMIT_AS, most_mb * 2**20),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, MOST_OUTPUT),
    ):
        with contextlib.suppress(OSError, ValueError):  # where the system knows no such limit
            resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
