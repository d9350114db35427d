"""A real HTTP server that speaks the OpenAI chat protocol, and misbehaves when told to.

    with LLMServer(lambda request: "Hello.") as server:
        litellm.completion("openai/any", messages, api_base=server.url, api_key="none")

What it answers is a function of the request; what goes wrong is a fault for each request in turn.
It answers with one body or, where the request asks for it, as a stream. Given functions for them,
it embeds texts as well, and scores how well documents answer a question (``/rerank``).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_NOTHING = {"prompt_tokens": 0, "total_tokens": 0}
PIECE = 200  # characters in one event of a stream


@dataclass(frozen=True)
class ChatRequest:
    """A request as it came in.

    Attributes:
        number: Of requests before it.
        model: The model it asks for.
        messages: With ``role`` and ``content``.
        body: All of it.
        key: What it carries as its key; empty for none.
    """

    number: int
    model: str
    messages: list[dict[str, str]]
    body: dict[str, Any]
    key: str


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. All that is set happens.

    Attributes:
        status: HTTP status to refuse with; 0 to answer.
        error: Message of the refusal.
        code: Machine-readable reason of the refusal, e.g. ``insufficient_quota``.
        headers: Added to the answer's.
        stall: Seconds of silence before the answer.
        cut: Bytes of the body after which the connection is closed; None for all of it.
        text: Sent in place of the answer; None for the answer.
        raw: Sent in place of the whole body; None for the body.
        finish: Why the answer ends, in the protocol's words.
    """

    status: int = 0
    error: str = "told to fail"
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stall: float = 0.0
    cut: int | None = None
    text: str | None = None
    raw: bytes | None = None
    finish: str = "stop"


class LLMServer:
    """The server, on loopback. Use it as a context manager.

    Args:
        answer: Makes the text of an answer.
        faults: For the first request, the second, and so on; None for none.
        key: The key that requests must carry; empty if any will do.
        models: Those it knows; None for any.
        port: To listen on; 0 for a free one.
        embed: Makes a vector of each text.
        rank: Scores documents for a question.

    Attributes:
        requests: All requests so far.
        answered: Numbers of those whose answer was sent whole; what a provider would charge for.
    """

    def __init__(
        self,
        answer: Callable[[ChatRequest], str],
        faults: Iterable[Fault | None] = (),
        key: str = "",
        models: Iterable[str] | None = None,
        port: int = 0,
        embed: Callable[[list[str]], list[list[float]]] | None = None,
        rank: Callable[[str, list[str]], list[float]] | None = None,
    ) -> None:
        self.requests: list[ChatRequest] = []
        self.answered: list[int] = []
        self._answer, self._key = answer, key
        self._embed, self._rank = embed, rank
        self._faults = iter(faults)
        self._models = None if models is None else frozenset(models)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """What to give as ``api_base``."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> LLMServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def admit(self, body: dict[str, Any], key: str) -> tuple[ChatRequest, Fault]:
        """Take a request down, with the fault it is due."""
        with self._lock:
            messages = [m for m in body.get("messages", []) if isinstance(m, dict)]
            request = ChatRequest(
                len(self.requests), str(body.get("model", "")), messages, body, key
            )
            self.requests.append(request)
            return request, next(self._faults, None) or self._refusal(request) or Fault()

    def text(self, request: ChatRequest) -> str:
        """The answer to a request."""
        return self._answer(request)

    def numbers(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to a request for numbers in place of text; None if it is none."""
        if self._embed and path.endswith("/embeddings"):
            vectors = self._embed(body["input"])
            data = [{"index": i, "embedding": v} for i, v in enumerate(vectors)]
            return {"object": "list", "model": body["model"], "data": data, "usage": _NOTHING}
        if self._rank and path.endswith("/rerank"):
            scores = self._rank(body["query"], body["documents"])
            results = [{"index": i, "relevance_score": s} for i, s in enumerate(scores)]
            return {"id": "ranking", "results": results, "usage": _NOTHING}
        return None

    def sent(self, request: ChatRequest) -> None:
        """Take down that an answer went out whole."""
        with self._lock:
            self.answered.append(request.number)

    def pause(self, seconds: float) -> None:
        """Be silent, unless the server closes."""
        self._closed.wait(seconds)

    def _refusal(self, request: ChatRequest) -> Fault | None:
        if self._key and request.key != self._key:
            return Fault(status=401, error="Incorrect API key provided", code="invalid_api_key")
        if self._models is not None and request.model not in self._models:
            error = f"The model {request.model!r} does not exist"
            return Fault(status=404, error=error, code="model_not_found")
        return None


class _Handler(BaseHTTPRequestHandler):
    owner: LLMServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer ``/v1/chat/completions``, ``/v1/embeddings`` or ``/rerank``."""
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size) or b"{}")
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip()
        request, fault = self.owner.admit(body, key)
        self.owner.pause(fault.stall)
        try:
            if fault.status:
                self._send(_refusal(fault), fault, "application/json")
                return
            if (numbers := self.owner.numbers(self.path, body)) is not None:
                self._send(json.dumps(numbers).encode(), fault)
                return
            text = self.owner.text(request) if fault.text is None else fault.text
            if body.get("stream"):
                self._send(_events(request, text, fault), fault, "text/event-stream")
            else:
                self._send(json.dumps(_whole(request, text, fault)).encode(), fault)
            if fault.cut is None and fault.raw is None:
                self.owner.sent(request)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, body: bytes, fault: Fault, kind: str = "application/json") -> None:
        body = body if fault.raw is None else fault.raw
        self.send_response(fault.status or 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if fault.cut is None else body[: fault.cut])
        self.wfile.flush()
        if fault.cut is not None:
            self.close_connection = True


def _refusal(fault: Fault) -> bytes:
    error = {"message": fault.error, "type": "error", "code": fault.code or None}
    return json.dumps({"error": error}).encode()


def _whole(request: ChatRequest, text: str, fault: Fault) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": fault.finish}
    return _head(request, "chat.completion") | {"choices": [choice], "usage": _usage(request, text)}


def _events(request: ChatRequest, text: str, fault: Fault) -> bytes:
    head = _head(request, "chat.completion.chunk")
    pieces = [text[i : i + PIECE] for i in range(0, len(text), PIECE)]
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in pieces
    ]
    last: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": fault.finish}]}
    counted: dict[str, Any] = {"choices": [], "usage": _usage(request, text)}
    events = [json.dumps(head | chunk) for chunk in [*chunks, last, counted]]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()


def _head(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chat-{request.number}",
        "object": kind,
        "created": int(time.time()),
        "model": request.model,
    }


def _usage(request: ChatRequest, text: str) -> dict[str, Any]:
    """Tokens as a quarter of the characters."""
    sent = sum(len(message.get("content") or "") for message in request.messages) // 4
    made = len(text) // 4
    return {"prompt_tokens": sent, "completion_tokens": made, "total_tokens": sent + made}
