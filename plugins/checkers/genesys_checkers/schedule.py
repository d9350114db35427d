"""What the causality check tries, cheap and likely things first."""

from __future__ import annotations

from genesys_checkers.rounding import DOUBLE, HALF, SINGLE, Precision
from genesys_checkers.trials import Series, Trial

# Every cut at 127, in an order that spreads each batch over the whole length.
EVERY = tuple(1 + 37 * i % 126 for i in range(126))
SHORT = (32, 16, 8, 3, 2)
# At the edges of chunks of the usual sizes, beside them, and anywhere.
EDGES_64 = (1, 7, 16, 31, 32, 33, 48, 63)
EDGES_65 = (1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 40, 48, 50, 57, 63, 64)
EDGES_128 = (1, 15, 16, 17, 31, 32, 50, 63, 64, 65, 96, 127)
EDGES_256 = (1, 33, 63, 64, 101, 127, 128, 129, 192, 255)
EDGES_512 = (1, 64, 128, 129, 255, 256, 331, 450)
SCALES = (
    (1.0, 100.0),
    (100.0, 100.0),
    (100.0, 1.0),
    (1.0, 1000.0),
    (0.01, 0.01),
    (0.01, 1.0),
    (1e-3, 1e-3),
)
AT_SCALES = tuple(cut for cut in (1, 31) for _ in SCALES)
# An embedding starts at this size.
EMBEDDED = ((0.02, 0.02),)


def schedule(precision: Precision = DOUBLE, open_gates: bool = True) -> list[Series]:
    """All trials; those for small leaks in the precision given, with gates opened or not."""
    return [
        Series(precision, _cleanly(), open_gates=open_gates, more_blocks=-1),
        Series(precision, _closely(), open_gates=open_gates),
        Series(precision, (Trial(33, _all(33), 16),), open_gates=open_gates, more_blocks=2),
        Series(
            precision, (Trial(17, _all(17), 16),), open_gates=open_gates, wider=2, may_fail=True
        ),
        # A block may take another way by dtype: as it starts, with inputs like embeddings.
        Series(SINGLE, _as_trained()),
        Series(HALF, (Trial(64, EDGES_64, 8),), may_fail=True),
        Series(SINGLE, _at_great_length(), open_gates=open_gates, may_fail=True),
    ]


def _cleanly() -> tuple[Trial, ...]:
    """What shows a leak best, in a single block: nothing blurs it."""
    return (Trial(33), Trial(127, EVERY, 21))


def _closely() -> tuple[Trial, ...]:
    return (
        Trial(33, rows=2),
        Trial(65, AT_SCALES, len(AT_SCALES), scales=SCALES),
        Trial(40, (20, 1, 39), 1),
        Trial(9, _all(9), 64),
        *(Trial(length, _all(length), length - 1) for length in SHORT),
        Trial(64, EDGES_64, 4),
        Trial(128, EDGES_128, 4),
        Trial(512, EDGES_512, 4),
        Trial(33, rows=2, training=False),
        Trial(65, EDGES_65, 16, training=False),
        Trial(512, (331, 511), 2, training=False),
    )


def _as_trained() -> tuple[Trial, ...]:
    return (
        Trial(33, rows=2),
        Trial(64, _all(64), 21, scales=EMBEDDED, alphabet=64, grad=True),
        Trial(256, EDGES_256, 5, scales=EMBEDDED, alphabet=64),
        Trial(65, EDGES_65, 16, training=False, scales=EMBEDDED, alphabet=64),
    )


def _at_great_length() -> tuple[Trial, ...]:
    return (Trial(1100, (64, 700, 1099), 3),)


def _all(length: int) -> tuple[int, ...]:
    return tuple(range(1, length))
