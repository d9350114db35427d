"""``genesys corpus``: build a corpus before a run needs it, and see what is in one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.cli.text import count, plain
from genesys.errors import GenesysError, PluginError

Progress = Callable[[str, int, int], None]
Numbers = dict[str, int]
SPLITS = ("train", "valid", "test")


class Built(Protocol):
    """A corpus that was built."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    def manifest(self) -> dict[str, Any]:
        """What is in it."""

    def check(self, hashes: bool = True) -> None:
        """Compare its files with the manifest."""


@runtime_checkable
class Source(Protocol):
    """A plugin of the kind ``corpus``, as far as the commands need it."""

    def prepare(
        self, root: Path | None = None, progress: Progress = ..., rebuild: bool = False
    ) -> Built:
        """Build the corpus unless it is there."""

    def find(self, root: Path | None = None) -> Built | None:
        """The corpus if it is there."""


def build(overrides: Sequence[str], rebuild: bool = False, as_json: bool = False) -> None:
    """Build a corpus unless it is there, and print what is in it.

    Args:
        overrides: Of the config.
        rebuild: Build it even if it is there.
        as_json: Print JSON.

    Raises:
        GenesysError: It cannot be built.
    """
    source = source_of(overrides)
    with showing(Console(stderr=True)) as progress:
        built = source.prepare(progress=progress, rebuild=rebuild)
    _print(built, "as built", as_json)


def info(overrides: Sequence[str], check: bool = False, as_json: bool = False) -> None:
    """Print what is in a corpus.

    Args:
        overrides: Of the config.
        check: Compare the hashes of its files, not just their sizes.
        as_json: Print JSON.

    Raises:
        GenesysError: It is not there, or not as it was built.
    """
    found = source_of(overrides).find()
    if found is None:
        raise GenesysError(
            "This corpus is not built yet: 'genesys corpus build' with the same overrides builds "
            "it, as does the first run that needs it."
        )
    found.check(hashes=check)
    _print(found, "as built" if check else "sizes as built, --check compares hashes", as_json)


def source_of(overrides: Sequence[str]) -> Source:
    """The corpus that a config names.

    Raises:
        GenesysError: The config cannot be composed, or the plugin is not there or no corpus.
    """
    from genesys.cli.config import compose
    from genesys.registry import part

    config = compose(overrides)
    found = part(config, "corpus")
    if not isinstance(found, Source):
        raise PluginError(f"Plugin corpus.{config['corpus']['name']} has no 'prepare' and 'find'.")
    return found


@contextmanager
def showing(console: Console) -> Iterator[Progress]:
    """Draw a bar for each stage of a build, in a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        known: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stage)
            bars.update(known[stage], completed=done, total=total)

        yield tell


def describe(manifest: dict[str, Any], folder: Path, files: str) -> RenderableType:
    """What is in a corpus, for a person.

    Args:
        manifest: Of the corpus.
        folder: Where it lies.
        files: What is known of its files.
    """
    table = Table("kind", box=SIMPLE_HEAD)
    for name in ("documents", "MB", "tokens", "held out", "MB"):
        table.add_column(name, justify="right")
    train, *held_out = (manifest["kinds"].get(split, {}) for split in SPLITS)
    for kind in sorted({*train, *(kind for split in held_out for kind in split)}):
        _row(table, kind, train.get(kind, {}), [split.get(kind, {}) for split in held_out])
    table.add_section()
    _row(table, "all", manifest["train"], [manifest.get(split, {}) for split in SPLITS[1:]])
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(manifest, folder, files).items():
        facts.add_row(Text(name, style="dim"), plain(value))
    return Group(table, facts)


def _row(table: Table, kind: str, train: Numbers, held_out: list[Numbers]) -> None:
    documents = sum(split.get("documents", 0) for split in held_out)
    size = sum(split.get("bytes", 0) for split in held_out)
    table.add_row(
        plain(kind),
        f"{train.get('documents', 0):,}",
        f"{train.get('bytes', 0) / 1e6:,.2f}",
        count(train.get("tokens", 0)),
        f"{documents:,}",
        f"{size / 1e6:,.2f}",
    )


def _facts(manifest: dict[str, Any], folder: Path, files: str) -> dict[str, str]:
    tokenizer, skipped = manifest["tokenizer"], manifest["skipped"]
    facts = {
        "tokenizer": f"{manifest['config']['tokenizer']}, {tokenizer['vocab_size']:,} entries, "
        f"token {tokenizer['end_of_text']} ends a text",
        "items": ", ".join(f"{task} {number}" for task, number in manifest["items"].items()),
    }
    if skipped["counts"]:
        told = ", ".join(f"{why}: {number}" for why, number in skipped["counts"].items())
        facts["skipped"] = f"{told}; e.g. {'; '.join(skipped['examples'])}"
    if manifest["overlapping"]:
        facts["left out"] = f"{manifest['overlapping']} documents that overlap with held-out text"
    return facts | {"files": f"{len(manifest['files'])}, {files}", "folder": str(folder)}


def _print(built: Built, files: str, as_json: bool) -> None:
    console, manifest = Console(), built.manifest()
    if as_json:
        content = {"folder": str(built.folder), **manifest}
        console.out(json.dumps(content, indent=2), highlight=False)
    else:
        console.print(describe(manifest, built.folder, files))
