"""The wire between a guest and the trusted half: frames of JSON and plain arrays, never pickle.

Whoever writes at the guest's end is hostile. A frame counts only if it has this version, is small,
of a kind that is expected, plain JSON without NaN, infinity and integers of more than 64 bits, and
its arrays are exactly as large as it says. Anything else ends the guest.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy as np

VERSION = b"GAU1"
MAX_HEADER = 4 * 2**20
MAX_ARRAYS = 2**28
DTYPES = frozenset({"<f8", "<f4", "<f2", "<i8", "<i4", "|u1", "|b1"})
MAX_AXES = 8
# Most bytes of a message between host and trusted half.
PACKET = 2**17

_HEAD = struct.Struct(">4sIQ")  # version, bytes of the header, bytes of the arrays


class ProtocolError(Exception):
    """What was written is no frame."""


@dataclass(frozen=True)
class Frame:
    """One message.

    Attributes:
        kind: To the guest ``open`` or ``call``, from it ``event``, ``answer`` or ``error``.
        body: JSON values, and arrays at the top level.
    """

    kind: str
    body: dict[str, Any]


def encode(frame: Frame) -> list[memoryview]:
    """Write a frame as pieces of bytes.

    Raises:
        ValueError: The body holds NaN or infinity outside arrays, or is too long.
        TypeError: The body is no dict, or holds what JSON has no word for or arrays of a dtype
            that is not in ``DTYPES``.
    """
    if not isinstance(frame.body, dict):
        raise TypeError(f"a dict must be handed over, got {type(frame.body).__name__}")
    arrays = {name: value for name, value in frame.body.items() if _is_array(value)}
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    if wrong := [dtype for _, dtype, _ in listed if dtype not in DTYPES]:
        raise TypeError(f"arrays of dtype {wrong[0]} cannot be handed over")
    plain = {name: value for name, value in frame.body.items() if name not in arrays}
    message = {"kind": frame.kind, "body": plain, "arrays": listed}
    text = json.dumps(message, allow_nan=False, ensure_ascii=False)
    header, size = text.encode(errors="replace"), sum(array.nbytes for array in arrays.values())
    if len(header) > MAX_HEADER or size > MAX_ARRAYS:
        raise ValueError(f"too much to hand over: {len(header)} bytes and {size} of arrays")
    head = memoryview(_HEAD.pack(VERSION, len(header), size) + header)
    return [head, *(_bytes_of(array) for array in arrays.values() if array.nbytes)]


class Frames:
    """Cuts a stream of bytes into frames.

    Args:
        kinds: That may come.
    """

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds, self._data = kinds, bytearray()

    @property
    def rest(self) -> int:
        """Bytes that belong to a frame which is not whole yet."""
        return len(self._data)

    def feed(self, data: bytes) -> list[Frame]:
        """Take in more bytes and return the frames they complete.

        Raises:
            ProtocolError: Something is no frame.
        """
        self._data += data
        frames: list[Frame] = []
        while len(self._data) >= _HEAD.size:
            version, header, arrays = _HEAD.unpack_from(self._data)
            if version != VERSION:
                raise ProtocolError("it wrote something that is no message")
            if header > MAX_HEADER or arrays > MAX_ARRAYS:
                raise ProtocolError("it wrote too much to its channel")
            end = _HEAD.size + header + arrays
            if len(self._data) < end:
                break
            frames.append(self._decode(self._data[_HEAD.size : end], header))
            del self._data[:end]
        return frames

    def _decode(self, data: bytearray, header: int) -> Frame:
        try:
            text = data[:header].decode()
            message = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_word)
            if "\\u" in text:  # half a character, which no file takes
                json.dumps(message, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise ProtocolError("it wrote something that is no JSON") from error
        if not isinstance(message, dict) or message.keys() != {"kind", "body", "arrays"}:
            raise ProtocolError("it wrote something that is no message")
        kind, body = message["kind"], message["body"]
        if not isinstance(kind, str) or kind not in self._kinds or not isinstance(body, dict):
            raise ProtocolError("it wrote a message that nobody asked for")
        arrays = _arrays(message["arrays"], memoryview(data)[header:])
        if arrays.keys() & body.keys():
            raise ProtocolError("it wrote a message that gives one name twice")
        return Frame(kind, {**body, **arrays})


def printable(text: str) -> str:
    """Text of a guest without what could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _is_array(value: object) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray)


def _bytes_of(array: np.ndarray) -> memoryview:
    import numpy as np

    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _arrays(listed: Any, data: memoryview) -> dict[str, np.ndarray]:
    import numpy as np

    arrays: dict[str, np.ndarray] = {}
    if not isinstance(listed, list):
        raise ProtocolError("it wrote arrays without saying which")
    for entry in listed:
        name, dtype, shape = _described(entry)
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size > len(data) or name in arrays:
            raise ProtocolError("it wrote arrays that are not as it says")
        arrays[name] = array = np.empty(shape, dtype)
        array.reshape(-1).view(np.uint8)[:] = np.frombuffer(data[:size], np.uint8)
        if dtype == "|b1" and (array.view(np.uint8) > 1).any():  # neither true nor false
            raise ProtocolError("it wrote arrays that are not as it says")
        data = data[size:]
    if data:
        raise ProtocolError("it wrote arrays that are not as it says")
    return arrays


def _described(entry: Any) -> tuple[str, str, list[int]]:
    """Name, dtype and shape of an array, if that is what the entry is."""
    match entry:
        case [str(name), str(dtype), list(shape)] if dtype in DTYPES and len(shape) <= MAX_AXES:
            if all(type(n) is int and n >= 0 for n in shape) and _fits(shape):
                return name, dtype, shape
    raise ProtocolError("it wrote an array of a kind that there is not")


def _fits(shape: list[int]) -> bool:
    """Whether an array of this shape can be made; a 0 among the axes does not excuse the others."""
    return math.prod(max(n, 1) for n in shape) <= MAX_ARRAYS


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _word(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:  # no table could hold it
        raise ValueError(text[:40])
    return value
