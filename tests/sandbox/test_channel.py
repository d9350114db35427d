"""Messages survive the wire; nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.sandbox.channel import MAX_LINE, Messages, ProtocolError, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=5), st.integers(1, 40))
def test_messages_survive_any_cutting(bodies: list[dict[str, object]], size: int) -> None:
    data = b"".join(encode("t", "event", body) for body in bodies)
    messages = Messages("t")
    got = [m for i in range(0, len(data), size) for m in messages.feed(data[i : i + size])]
    assert got == [("event", body) for body in bodies]


@given(st.binary(max_size=200))
def test_garbage_is_refused_cleanly(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Messages("secret").feed(data + b"\n")


@pytest.mark.parametrize(
    "line",
    [
        b'{"token": "t", "kind": "event", "body": {"x": NaN}}',
        b'{"token": "t", "kind": "event", "body": {"x": -Infinity}}',
        b'{"token": "t", "kind": "event", "body": {"x": 1e999}}',
        b'{"token": "t", "kind": "event", "body": {"x": 9223372036854775808}}',
        b'{"token": "t", "kind": "event", "body": [1]}',
        b'{"token": "t", "kind": "other", "body": {}}',
        b'{"token": "t", "kind": ["event"], "body": {}}',
        b'{"token": "u", "kind": "event", "body": {}}',
        b'{"token": "t", "kind": "event", "body": {}, "more": 1}',
        b'{"token": "t", "kind": "event", "body": {"x": ' + b"1" * 5000 + b"}}",
        b'{"token": "t", "kind": "event", "body": {"x": ' + b"[" * 100_000 + b"}}",
    ],
)
def test_hostile_line_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        Messages("t").feed(line + b"\n")


def test_line_without_end_is_refused() -> None:
    messages = Messages("t")
    with pytest.raises(ProtocolError):
        for _ in range(MAX_LINE // 2**20 + 2):
            messages.feed(b"x" * 2**20)
