"""Files made into documents: good ones, and such as are broken or mean harm."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from genesys.errors import MissingExtraError
from genesys_knowledge.papers import reading
from genesys_knowledge.papers.chunking import MOST_WORDS, chunked
from genesys_knowledge.papers.document import Document, Section
from genesys_knowledge.papers.paper import opening_of
from genesys_knowledge.papers.reading import Kind, UnreadableError, read

Pdf = Callable[..., bytes]


def test_a_pdf_in_two_columns(pdf: Pdf) -> None:
    document = read(pdf(), Kind.PDF)
    assert document.title == "Gates That Forget: A Study of Linear Recurrences"
    assert document.arxiv == "2401.01234"
    assert document.pages == 3
    assert [section.heading for section in document.sections] == [
        "1 Part A",
        "2 Part B",
        "3 Part C",
    ]
    text = document.sections[0].text
    assert text.startswith("Recurrent networks keep a state of fixed size.")
    assert "a gate which depends on the input, a data-dependent one" in text
    assert "such data-dependent gates are cheap." in text  # the hyphen is its own
    assert "The right column begins with other words. Its lines stand beside those" in text
    assert text.rindex("gates are cheap") < text.index("The right column")
    assert "conference" not in document.text  # the running head
    assert "cited work" not in document.text


def test_a_web_page_keeps_formulas() -> None:
    page = """<html><head><title>x</title><style>p {}</style></head><body><nav>menu</nav>
    <h1 class="ltx_title">Gated <em>states</em></h1><div class="ltx_authors">Ada</div>
    <div class="ltx_abstract"><h6>Abstract</h6><p>We gate
    states.</p></div><section><h2><span class="ltx_tag ltx_tag_section">1 </span>Method</h2>
    <p>The state is <math alttext="h_{t}=a_{t}h_{t-1}"><mi>h</mi><annotation>junk</annotation>
    </math>, for all <math alttext="t"></math>.</p><p>Second.<script>alert(1)</script></p></section>
    <section class="ltx_bibliography"><h2>References</h2><p>[1] A work.</p></section>"""
    document = read(page.encode(), Kind.HTML)
    assert document.title == "Gated states"
    assert [(s.heading, s.text) for s in document.sections] == [
        ("Abstract", "We gate states."),
        ("Method", "The state is $h_{t}=a_{t}h_{t-1}$, for all $t$.\n\nSecond."),
    ]


def test_latex() -> None:
    source = r"""\documentclass{article} % a comment
    \title{Gated \emph{states}}
    \begin{document}\maketitle
    \begin{abstract}We gate states~\cite{x}.\end{abstract}
    \section{Method}\label{m} The \textbf{state} is $h_t = a_t h_{t-1}$.
    \begin{figure}\includegraphics{a}\caption{b}\end{figure}
    \end{document}"""
    document = read(source.encode(), Kind.TEX)
    assert document.title == "Gated states"
    assert [(s.heading, s.text) for s in document.sections] == [
        ("Abstract", "We gate states."),
        ("Method", "The state is $h_t = a_t h_{t-1}$."),
    ]


def test_markdown_and_text() -> None:
    source = "# Title\nFirst\nline.\n\nSecond.\n```\n# no heading\n```\n## Part ##\nThird."
    document = read(source.encode(), Kind.MARKDOWN)
    assert document.title == "Title"
    assert [section.heading for section in document.sections] == ["Title", "Part"]
    assert document.sections[0].text.startswith("First line.\n\nSecond.")
    document = read("\ufeffOnly \x1b[31mtext\x1b[0m\u200b, of one ﬁle.".encode(), Kind.TEXT)
    assert document.sections == [Section(heading="", text="Only text, of one file.")]


@pytest.mark.parametrize(
    ("make", "kind", "why"),
    [
        (lambda _: b"%PDF-1.7\nnothing of the kind", Kind.PDF, "damaged"),
        (lambda pdf: pdf()[:900], Kind.PDF, "damaged"),
        (lambda _: b"PK\x03\x04 a zip file", Kind.PDF, "no PDF, whatever its name"),
        (lambda pdf: pdf(encrypted=True), Kind.PDF, "encrypted; save it without a password"),
        (lambda pdf: pdf(scanned=True), Kind.PDF, "run OCR"),
        (lambda _: b"<html><body><script>x</script></body></html>", Kind.HTML, "no text"),
        (lambda _: b"\x7fELF\0\0", Kind.TEXT, "binary"),
        (lambda _: b" \n ", Kind.MARKDOWN, "no text"),
    ],
)
def test_bad_files(pdf: Pdf, make: Callable[[Pdf], bytes], kind: Kind, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read(make(pdf), kind)


def test_a_parser_that_takes_for_ever(pdf: Pdf) -> None:
    with pytest.raises(UnreadableError, match="longer than"):
        read(pdf(), Kind.PDF, seconds=0.01)


def test_a_parser_that_takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MEMORY_MB", 150)
    with pytest.raises(UnreadableError, match="more than 150 MB of memory"):
        read(b"word " * 20 * 2**20, Kind.TEXT)


def test_a_parser_that_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading.sys, "executable", "/bin/false")
    with pytest.raises(UnreadableError, match="died of it"):
        read(b"words", Kind.TEXT)


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "semchunk.semchunk", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'genesys\[papers\]'"):
        chunked(Document(title="", sections=[]), "doc", "")


def test_passages_stay_in_their_section() -> None:
    sentence = "This sentence has exactly seven words, always. "
    sections = [
        Section(heading="One", text=sentence * 60),
        Section(heading="", text="Four words are enough."),
    ]
    passages = chunked(Document(title="A title", sections=sections), "doc", "https://example.org")
    assert [p.id for p in passages] == [f"doc#{i}" for i in range(len(passages))]
    assert [p.title for p in passages] == ["A title: One"] * (len(passages) - 1) + ["A title"]
    assert all(len(p.text.split()) <= MOST_WORDS for p in passages)
    assert all(p.text.endswith(".") for p in passages)  # whole sentences
    assert sum(len(p.text.split()) for p in passages) == 60 * 7 + 4
    assert (
        chunked(Document(title="", sections=[Section(heading="", text="Too few")]), "d", "") == []
    )


def test_passages_of_texts_without_spaces_and_with_endless_headings() -> None:
    """No passage is out of all proportion, whatever a hostile or a Chinese paper holds."""
    sentence = "这个模型把状态与门控结合在一起。"
    texts = [sentence * 500, "a b c " + "x" * 100_000, "Words that are no heading at all. " * 100]
    sections = [Section(heading="h " * 50_000, text=text) for text in texts]
    passages = chunked(Document(title="A title", sections=sections), "doc", "")
    assert max(len(p.title) + len(p.text) for p in passages) < 13 * MOST_WORDS + 300
    assert sum(sentence in p.text for p in passages) >= 3
    assert sum(len(p.text) for p in passages) > 0.95 * sum(map(len, texts))
    assert len(opening_of(Document(title="", sections=sections))) <= 10_000
