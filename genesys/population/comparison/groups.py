"""Which runs belong together, and what tells them from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genesys.errors import UnknownNameError
from genesys.population.comparison.runs import FIRST

NOTHING = "–"  # where a run has no such setting
Settings = Mapping[str, str]


def keys_apart(runs: Sequence[Settings], seeds: Sequence[int]) -> list[str]:
    """Keys, in their order, that tell runs apart as well as all of them do.

    A key is left out where those before it tell the same runs apart: of a selector's name and its
    parameters, the name is enough. So is one that is the seed in every run, whatever it is called.

    Args:
        runs: What is set in each.
        seeds: Of the same runs.
    """
    chosen: list[str] = []
    classes: list[list[Settings]] = [list(runs)]
    own = [str(seed) for seed in seeds]
    for key in dict.fromkeys(key for run in runs for key in run):
        if [run.get(key) for run in runs] == own:
            continue
        finer = [list(part.values()) for same in classes if (part := _by(same, key))]
        split = [some for parts in finer for some in parts]
        if len(split) > len(classes):
            chosen.append(key)
            classes = split
    return chosen


def check_keys(keys: Sequence[str], runs: Sequence[Settings]) -> None:
    """Make sure that the keys are some that runs have.

    Raises:
        UnknownNameError: No run has one.
    """
    known = {key for run in runs for key in run}
    for key in keys:
        if key not in known:
            raise UnknownNameError("setting of these runs", key, known)


def label(run: Settings, keys: Sequence[str]) -> str:
    """What a run is called beside the others: ``base, agent=offline``."""
    parts = [
        run.get(key, NOTHING) if key == FIRST else f"{key}={run.get(key, NOTHING)}" for key in keys
    ]
    return ", ".join(parts) or "all"


def _by(runs: Sequence[Settings], key: str) -> dict[str, list[Settings]]:
    parts: dict[str, list[Settings]] = {}
    for run in runs:
        parts.setdefault(run.get(key, NOTHING), []).append(run)
    return parts
