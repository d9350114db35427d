"""Reads the designs that the original system published (figures only, no code)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

from genesys.errors import GenesysError
from genesys.population.metrics.tables import CALLS, DESIGNS, SCORES, Tables, gain, table

# The accuracy that is read where a task has several (table 16); Matthews' correlation is moved
# from -1..1 to 0..1.
METRICS = ("acc_norm", "acc", "exact_match", "contains", "mcc")
_STAGES = ("proposal", "implementation")


def published(path: Path, tasks: tuple[str, ...] = ()) -> Tables:
    """The published designs as tables.

    Each design counts as a session of its own, of which only the costs by role are known. Values
    that are no numbers count as missing.

    Args:
        path: JSON of designs by name, with ``units``, ``parents``, ``reuse_from``,
            ``proposal_rating``, costs by role in USD, and ``results`` by scale, task and metric.
        tasks: Those that fitness is the mean over; all by default.

    Raises:
        GenesysError: It cannot be read, or it is not of that form.
    """
    try:
        # What is no number becomes None: it is missing.
        data = json.loads(path.read_text("utf-8"), parse_constant=lambda _: None)
        scores = {name: list(_scores(name, about)) for name, about in data.items()}
        fits = {name: _by_scale(rows, tasks) for name, rows in scores.items()}
        designs = [_design(name, about, fits) for name, about in data.items()]
        calls = [
            row
            for session, (name, about) in enumerate(data.items())
            for row in _costs(session, name, about)
        ]
    except OSError as error:
        raise GenesysError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise GenesysError(f"{path} holds no published designs: {error!r}") from None
    return Tables(
        designs=table(designs, DESIGNS),
        scores=table(chain(*scores.values()), SCORES),
        calls=table(calls, CALLS),
    )


def _design(
    name: str, about: Mapping[str, Any], fits: Mapping[str, Mapping[str, list[float]]]
) -> dict[str, object]:
    parents = about.get("parents") or []
    means = {design: _means(fits.get(design, {})) for design in (name, *parents)}
    values = list(chain(*fits[name].values()))
    return {
        "name": name,
        "seed": "units" not in about,
        "parents": parents,
        "units": list(about.get("units") or {}),
        "reused": list(about.get("reuse_from") or {}),
        "fitness": fmean(values) if values else None,
        "gain": gain(means[name], [means[parent] for parent in parents]),
        "rating": about.get("proposal_rating"),
        "usd": sum(row["usd"] for row in _costs(0, name, about)),
        "erroneous": None,
    }


def _by_scale(
    scores: Sequence[Mapping[str, Any]], tasks: tuple[str, ...]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in scores:
        if not tasks or row["task"] in tasks:
            found.setdefault(row["scale"], []).append(row["value"])
    return found


def _means(values: Mapping[str, list[float]]) -> dict[str, float]:
    return {scale: fmean(found) for scale, found in values.items()}


def _costs(session: int, name: str, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What each role was paid; ``DESIGN_PROPOSER`` is the proposer."""
    usd: dict[str, float] = {}
    for stage in _STAGES:
        for role, amount in (about.get(f"{stage}_costs_usd") or {}).items():
            short = role.rsplit("_", 1)[-1].lower()
            usd[short] = usd.get(short, 0.0) + (amount or 0.0)
    for role, amount in usd.items():
        if amount:
            yield {"session": session, "design": name, "role": role, "usd": amount}


def _scores(name: str, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for scale, tasks in about.get("results", {}).items():
        for task, found in tasks.items():
            metric = next((metric for metric in METRICS if metric in found), None)
            if metric and found[metric] is not None:
                value = found[metric]
                value = (value + 1) / 2 if metric == "mcc" else value
                yield {"design": name, "scale": scale, "task": task, "value": value}
