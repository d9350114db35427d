"""Reads the designs that the original system published (figures only, no code)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

from genesys.errors import GenesysError
from genesys.population.metrics.tables import DESIGNS, SCORES, Tables, table

# The accuracy that is read where a task has several (table 16); Matthews' correlation is moved
# from -1..1 to 0..1.
METRICS = ("acc_norm", "acc", "exact_match", "contains", "mcc")


def published(path: Path, tasks: tuple[str, ...] = ()) -> Tables:
    """The published designs as tables.

    Args:
        path: JSON of designs by name, with ``units``, ``parents``, ``reuse_from``,
            ``proposal_rating``, costs by role in USD, and ``results`` by scale, task and metric.
        tasks: Those that fitness is the mean over; all by default.

    Raises:
        GenesysError: It cannot be read, or it is not of that form.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        scores = {name: list(_scores(name, about)) for name, about in data.items()}
        designs = [_design(name, data[name], found, tasks) for name, found in scores.items()]
    except OSError as error:
        raise GenesysError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise GenesysError(f"{path} holds no published designs: {error!r}") from None
    return Tables(table(designs, DESIGNS), table(chain(*scores.values()), SCORES))


def _design(
    name: str, about: Mapping[str, Any], scores: Sequence[Mapping[str, Any]], tasks: tuple[str, ...]
) -> dict[str, object]:
    values = [row["value"] for row in scores if not tasks or row["task"] in tasks]
    return {
        "name": name,
        "seed": "units" not in about,
        "parents": about.get("parents") or [],
        "units": list(about.get("units") or {}),
        "reused": list(about.get("reuse_from") or {}),
        "fitness": fmean(values) if values else None,
        "rating": about.get("proposal_rating"),
        "usd": sum(
            sum((about.get(f"{stage}_costs_usd") or {}).values())
            for stage in ("proposal", "implementation")
        ),
        "erroneous": None,
    }


def _scores(name: str, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for scale, tasks in about.get("results", {}).items():
        for task, found in tasks.items():
            metric = next((metric for metric in METRICS if metric in found), None)
            if metric:
                value = found[metric]
                value = (value + 1) / 2 if metric == "mcc" else value
                yield {"design": name, "scale": scale, "task": task, "value": value}
