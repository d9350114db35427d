"""Data sets of the Hugging Face hub, read as a stream."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from genesys.errors import GenesysError
from genesys.text import one_line

TRIES = 4
PATIENCE = 30.0  # seconds
GONE = {403, 404, 410}


def shards(repo: str, config: str | None, revision: str | None) -> int:
    """Number of pieces of a data set that can be read on their own.

    Raises:
        GenesysError: The hub does not answer, or has no such data set.
    """
    return int(_stream(repo, config, revision).num_shards)


def rows(
    repo: str, config: str | None, revision: str | None, index: int, count: int
) -> Iterator[dict[str, Any]]:
    """Rows of one of ``count`` pieces.

    Raises:
        GenesysError: The hub does not answer.
    """
    stream = iter(_stream(repo, config, revision).shard(count, index))
    while True:
        try:
            yield next(stream)
        except StopIteration:
            return
        except Exception as error:
            raise _no_answer(repo, error) from error


def fetch(address: str) -> bytes | None:
    """A document compressed with gzip, from the web; None where there is none.

    Raises:
        GenesysError: There is no answer, several times.
    """
    last: Exception | None = None
    for trial in range(TRIES):
        if trial:
            time.sleep(0.2 * 4**trial)
        try:
            with urlopen(address, timeout=PATIENCE) as answer:
                return gzip.decompress(answer.read())
        except HTTPError as error:
            error.close()
            if error.code in GONE:
                return None
            last = error
        except (gzip.BadGzipFile, EOFError):
            return None
        except OSError as error:
            last = error
    assert last
    raise _no_answer(address, last) from last


def _stream(repo: str, config: str | None, revision: str | None) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset(repo, config, split="train", streaming=True, revision=revision)
    except Exception as error:  # of many libraries, and not all have a common base
        raise _no_answer(repo, error) from error


def _no_answer(what: str, error: Exception) -> GenesysError:
    return GenesysError(
        f"The hub does not give {what}: {one_line(str(error), 200)}. Offline, use corpus.folder="
        "<folder> with Parquet files of the same columns in a folder for each subset, or "
        "corpus=local_text, or corpus=files."
    )
