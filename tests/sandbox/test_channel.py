"""Frames survive the wire; nothing else does, and nothing else than ProtocolError comes of it."""

from __future__ import annotations

import contextlib
import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.sandbox.channel import DTYPES, MAX_ARRAYS, Frame, Frames, ProtocolError, encode

TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype, shape = np.dtype(draw(st.sampled_from(sorted(DTYPES)))), draw(SHAPES)
    size = int(np.prod(shape)) * dtype.itemsize
    data = draw(st.binary(min_size=size, max_size=size))
    array = np.frombuffer(data, np.uint8)
    if dtype.kind == "b":
        return (array > 127).reshape(shape)
    return array.view(dtype).reshape(shape)


BODIES = st.dictionaries(TEXT, JSON | arrays(), max_size=4)


def wire(body: dict[str, Any], kind: str = "answer") -> bytes:
    return b"".join(encode(Frame(kind, body)))


def frame(header: bytes, arrays: bytes = b"", claimed: int | None = None) -> bytes:
    size = len(arrays) if claimed is None else claimed
    return struct.pack(">4sIQ", b"GAU1", len(header), size) + header + arrays


def message(listed: object = (), body: object = None, kind: object = "answer") -> bytes:
    return json.dumps({"kind": kind, "body": body or {}, "arrays": listed}).encode()


def is_same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        same = (one.dtype, one.shape) == (other.dtype, other.shape)
        return same and one.tobytes() == other.tobytes()
    return type(one) is type(other) and one == other


@given(st.lists(BODIES, max_size=4), st.integers(1, 60))
def test_frames_survive_any_cutting(bodies: list[dict[str, Any]], size: int) -> None:
    data = b"".join(map(wire, bodies))
    frames = Frames({"answer"})
    got = [f for at in range(0, len(data), size) for f in frames.feed(data[at : at + size])]
    assert frames.rest == 0
    assert [f.kind for f in got] == ["answer"] * len(bodies)
    for came, body in zip(got, bodies, strict=True):
        assert came.body.keys() == body.keys()
        assert all(is_same(came.body[name], body[name]) for name in body)


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_garbage_raises_nothing_else(chunks: list[bytes]) -> None:
    frames = Frames({"answer"})
    with contextlib.suppress(ProtocolError):
        for chunk in chunks:
            assert frames.feed(chunk) == []


SHAPE = st.lists(st.one_of(st.integers(), st.integers(0, 3), JSON), max_size=9)
ENTRY = st.tuples(st.sampled_from(["a", 1]), st.sampled_from([*DTYPES, "O", ">f8"]), SHAPE)


@given(JSON, JSON, st.lists(ENTRY | JSON, max_size=2) | JSON, st.binary(max_size=64))
def test_well_framed_garbage_raises_nothing_else(
    kind: object, body: object, listed: object, data: bytes
) -> None:
    header = json.dumps({"kind": kind, "body": body, "arrays": listed}).encode()
    with contextlib.suppress(ProtocolError):
        Frames({"answer"}).feed(frame(header, data))


@given(BODIES, st.integers(0, 2**16), st.integers(0, 255))
def test_damaged_frame_raises_nothing_else(body: dict[str, Any], at: int, value: int) -> None:
    data = bytearray(wire(body))
    data[at % len(data)] = value
    with contextlib.suppress(ProtocolError):
        Frames({"answer"}).feed(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        frame(message(body={"x": float("nan")})),
        frame(message(body={"x": float("-inf")})),
        frame(b'{"kind": "answer", "body": {"x": 1e999}, "arrays": []}'),
        frame(message(body={"x": 2**63})),
        frame(message(kind="call")),
        frame(b'{"kind": "answer", "body": {"x": ' + b"1" * 5000 + b'}, "arrays": []}'),
        frame(b'{"kind": "answer", "body": {"x": ' + b"[" * 10**5 + b"}}"),
        frame(b'{"kind": "answer", "body": {"x": "\\ud800"}, "arrays": []}'),
        frame(b'{"kind": "answer", "body": {"x": "\xff"}, "arrays": []}'),
        frame(message(kind=["answer"])),
        frame(message(body=[1])),
        frame(message(listed={})),
        frame(message(listed=[["a", "|O", [1]]]), bytes(8)),
        frame(message(listed=[["a", "<f8", [2]]]), bytes(8)),
        frame(message(listed=[["a", "<f8", [1]]]), bytes(16)),
        frame(message(listed=[["a", "<f8", [-1]]]), bytes(8)),
        frame(message(listed=[["a", "<f8", [True]]]), bytes(8)),
        frame(message(listed=[["a", "<f8", [0, 2**60, 2**60]]])),
        frame(message(listed=[["a", "|b1", [2]]]), b"\x01\x02"),
        frame(message(listed=[["a", "|u1", [1]], ["a", "|u1", [1]]]), bytes(2)),
        frame(message(listed=[["a", "|u1", [1]]], body={"a": 1}), bytes(1)),
        frame(b'{"kind": "answer", "body": {}, "arrays": [], "more": 1}'),
        frame(message(), claimed=MAX_ARRAYS + 1),
        frame(bytes(5 * 2**20)),
        frame(message()).replace(b"GAU1", b"GAU0"),
    ],
)
def test_hostile_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Frames({"answer"}).feed(data)


def test_frame_without_end_is_kept_only_as_far_as_it_came() -> None:
    frames = Frames({"answer"})
    assert frames.feed(frame(message(), claimed=MAX_ARRAYS)) == []
    assert frames.rest < 1000


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"x": float("nan")}, ValueError),
        ({"x": "y" * 2**23}, ValueError),
        ({"x": np.zeros(2**28 + 1, np.uint8)}, ValueError),
        ({"x": np.zeros(2, complex)}, TypeError),
        ({"x": np.array([object()])}, TypeError),
        ({"x": np.zeros(2, ">f8")}, TypeError),
        ({"x": {1, 2}}, TypeError),
        ([1], TypeError),
    ],
)
def test_what_has_no_words_is_not_sent(body: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        encode(Frame("answer", body))


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    assert Frames({"answer"}).feed(wire({"x": "a\ud800"}))[0].body == {"x": "a?"}


def test_array_that_is_no_block_of_memory_is_sent() -> None:
    array = np.arange(12.0).reshape(3, 4).T[::2]
    assert is_same(Frames({"answer"}).feed(wire({"x": array}))[0].body["x"], array.copy())
