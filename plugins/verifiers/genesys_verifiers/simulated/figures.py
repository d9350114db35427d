"""What the published evaluations say, as far as the simulation needs it.

All but the times are printed by ``python benchmarks/simulation_fit.py published_designs.json``,
which fits them to 260 evaluations of 119 designs at 14M to 125M.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, log2

from genesys.population.metrics.throughput import pessimistic

# Share of the quality's variance that comes from units one by one, and so is inherited with them.
HERITABILITY = 0.38
# Share of designs that fail in verification (table 3).
ERROR_RATE = 0.0861
# Of training time; evaluation takes about as much more (app. E.4.2).
WITH_EVALUATION = 1.3


@dataclass(frozen=True)
class Task:
    """How designs score at a task.

    Attributes:
        name: Of the task.
        mean: Of the scores at 14M.
        gain: What twice the tokens add to it.
        deviation: Of the scores of different designs at one scale.
        loading: Correlation of a score with the design's quality; its square is the correlation
            between the scores at two scales.
        chance: What guessing gives (table 16).
        items: How many there are (table 16).
    """

    name: str
    mean: float
    gain: float
    deviation: float
    loading: float
    chance: float
    items: int

    @property
    def metric(self) -> str:
        """In which the score is given."""
        return "scaled_mcc" if self.name == "cola" else "acc"

    def at(self, tokens: float) -> float:
        """The mean after so many tokens; beyond the published scales it stays as it is there."""
        first, last = TIMES[0].tokens, TIMES[-1].tokens
        return self.mean + self.gain * log2(min(max(tokens, first), last) / first)


@dataclass(frozen=True)
class Time:
    """What a training takes (table 19).

    Attributes:
        tokens: That it sees.
        good: Seconds, if it is well optimised.
        median: Seconds, if it is plain.
    """

    tokens: float
    good: float
    median: float


TASKS = (
    Task("blimp", 0.716, -0.0312, 0.0460, 0.92, 0.6975, 65_093),
    Task("wnli", 0.508, -0.0042, 0.0591, 0.15, 0.4366, 71),
    Task("rte", 0.507, -0.0018, 0.0299, 0.00, 0.5271, 277),
    Task("winogrande", 0.499, -0.0013, 0.0109, 0.00, 0.4878, 1_267),
    Task("cola", 0.495, 0.0011, 0.0128, 0.26, 0.5, 1_043),
    Task("sst2", 0.498, 0.0013, 0.0141, 0.17, 0.4908, 872),
    Task("wsc273", 0.501, -0.0000, 0.0181, 0.00, 0.4982, 273),
    Task("inverse_scaling", 0.469, 0.0022, 0.0414, 0.35, 0.5003, 29_548),
    Task("mrpc", 0.505, -0.0138, 0.1369, 0.00, 0.3162, 408),
)
# On 8 A6000 with the tokens of ladder=paper: table 19's times are for 20 tokens per parameter, of
# which its rungs have 50, 40, 30 and 20.
TIMES = (
    Time(263e6, 46 * 50 / 20, 174 * 50 / 20),
    Time(518e6, 123 * 40 / 20, 437 * 40 / 20),
    Time(1056e6, 498 * 30 / 20, 1338 * 30 / 20),
    Time(2190e6, 3258, 8778),
)


def fitness(quality: float, tokens: float) -> float:
    """What the mean over the tasks of a design of this quality is without noise."""
    return sum(t.at(tokens) + t.deviation * t.loading * quality for t in TASKS) / len(TASKS)


def seconds(tokens: float, slowness: float) -> float:
    """Of one verification.

    Args:
        tokens: Of the training. Between the scales of table 19 it is a straight line in
            logarithms; beyond them, each token takes as long as there.
        slowness: 0 for the good case of table 19, 0.5 for the median, 1 for the bad one.
    """
    good, median = _between(tokens, "good"), _between(tokens, "median")
    return WITH_EVALUATION * (good + slowness * (pessimistic(good, median) - good))


def _between(tokens: float, case: str) -> float:
    first, last = TIMES[0], TIMES[-1]
    if not first.tokens < tokens < last.tokens:
        end = first if tokens <= first.tokens else last
        return float(getattr(end, case)) * tokens / end.tokens
    above = next(i for i, time in enumerate(TIMES) if time.tokens >= tokens)
    low, high = TIMES[above - 1], TIMES[above]
    share = log(tokens / low.tokens) / log(high.tokens / low.tokens)
    return exp((1 - share) * log(getattr(low, case)) + share * log(getattr(high, case)))
