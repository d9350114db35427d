"""PDFs of every sort, and a server that stands in for arXiv."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from reportlab.lib.pagesizes import letter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from genesys_knowledge.papers import arxiv

WIDTH, HEIGHT = letter
LEFT = """Recurrent networks keep a state of fixed
size. We show that a gate which de-
pends on the input, a data-dependent
one, lets the state forget; such data-
dependent gates are cheap."""
RIGHT = """The right column begins with other
words. Its lines stand beside those of
the left one and must not be mixed
with them, however near they
are to each other."""


@pytest.fixture
def pdf() -> Callable[..., bytes]:
    """Makes a paper in two columns, whose lines are in the file row by row."""
    return _pdf


def _pdf(*, pages: int = 3, encrypted: bool = False, scanned: bool = False) -> bytes:
    file = BytesIO()
    secret = StandardEncryption("secret") if encrypted else None
    canvas = Canvas(file, pagesize=letter, encrypt=secret)
    for number in range(pages):
        if scanned:
            canvas.rect(50, 50, 400, 600, fill=1)
        else:
            _draw(canvas, number)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw(canvas: Canvas, number: int) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(72, HEIGHT - 30, "Published at a conference in 2024")
    canvas.drawCentredString(WIDTH / 2, 30, str(number + 1))
    if number == 0:
        canvas.setFont("Times-Bold", 17)
        canvas.drawCentredString(WIDTH / 2, HEIGHT - 80, "Gates That Forget: A Study of")
        canvas.drawCentredString(WIDTH / 2, HEIGHT - 100, "Linear Recurrences")
        canvas.saveState()
        canvas.translate(20, 300)
        canvas.rotate(90)
        canvas.drawString(0, 0, "arXiv:2401.01234v2 [cs.LG] 3 Jan 2024")
        canvas.restoreState()
    level = HEIGHT - 160
    canvas.setFont("Times-Bold", 12)
    canvas.drawString(72, level, f"{number + 1} Part {'ABC'[number % 3]}")
    canvas.setFont("Times-Roman", 10)
    for _ in range(3):
        level -= 8
        for left, right in zip(LEFT.splitlines(), RIGHT.splitlines(), strict=True):
            level -= 12
            canvas.drawString(72, level, left)
            canvas.drawString(320, level, right)
    if number == 2:
        canvas.setFont("Times-Bold", 12)
        canvas.drawString(72, level - 40, "References")
        canvas.setFont("Times-Roman", 10)
        canvas.drawString(72, level - 60, "[1] Somebody. Some cited work. 2020.")


class Site:
    """What stands in for arXiv: statuses and bodies by path, and the paths that were asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        answers = self.answers.get(path, [(404, b"")])
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def site(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = site.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(arxiv, "SITE", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(arxiv, "PAUSE", 0.01)
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield site
    server.shutdown()
    server.server_close()
