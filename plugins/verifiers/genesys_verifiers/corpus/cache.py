"""Where built corpora lie, and how two processes share one."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from genesys.errors import GenesysError
from genesys.resources import cache_root
from genesys_verifiers.corpus.built import MANIFEST, Corpus
from genesys_verifiers.corpus.config import Progress, silent


class Source(Protocol):
    """What is built once, and kept in the cache."""

    @property
    def name(self) -> str:
        """The beginning of its folder's name."""

    def key(self) -> str:
        """The rest of it: the same where the same would be built."""

    def build(self, folder: Path, progress: Progress) -> None:
        """Write all files into a folder, which a killed build may have begun."""


def find(config: Source, root: Path | None = None) -> Corpus | None:
    """The corpus of a config if it was built before, without a look at its files."""
    folder = _folder(config, root)
    return Corpus(folder) if (folder / MANIFEST).is_file() else None


def prepare(
    config: Source,
    root: Path | None = None,
    progress: Progress = silent,
    rebuild: bool = False,
) -> Corpus:
    """Return the corpus of a config, building it first if the cache has none.

    A corpus appears by one rename, so a reader never sees half of one. A build that was killed goes
    on with the files that it finished. Where another process builds the same corpus, this one
    waits. Hashes are compared with the manifest once per process.

    Args:
        config: The source and how to build.
        root: Of the cache.
        progress: Told of the stage, and how many of its steps are done.
        rebuild: Build it even if it is there.

    Raises:
        GenesysError: The cache folder cannot be written, there is too little text, or a file of
            the corpus was changed.
    """
    folder = _folder(config, root)
    try:
        if rebuild or not (folder / MANIFEST).is_file():
            folder.parent.mkdir(parents=True, exist_ok=True)
            _build_alone(config, folder, progress, rebuild)
        progress("check", 0, 1)
        _check(folder)
        progress("check", 1, 1)
    except OSError as error:
        raise GenesysError(
            f"Cannot write the corpus to {folder}: {error}. Free some space there, or point "
            "GENESYS_CACHE to another folder; what is finished is kept."
        ) from error
    return Corpus(folder)


def _folder(config: Source, root: Path | None) -> Path:
    return (root or cache_root()) / "corpus" / f"{config.name}-{config.key()}"


@cache
def _checked(folder: Path) -> None:
    Corpus(folder).check()


def _check(folder: Path) -> None:
    Corpus(folder).check(hashes=False)
    _checked(folder)


def _build_alone(config: Source, folder: Path, progress: Progress, rebuild: bool) -> None:
    lock = FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress("wait for another process", 0, 1)
        lock.acquire()
        rebuild = False  # the other one just did
    try:
        if rebuild or not (folder / MANIFEST).is_file():
            _build(config, folder, progress)
    finally:
        lock.release()


def _build(config: Source, folder: Path, progress: Progress) -> None:
    unfinished = folder.with_name(folder.name + ".part")
    unfinished.mkdir(exist_ok=True)
    config.build(unfinished, progress)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    _checked.cache_clear()
