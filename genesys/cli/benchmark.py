"""``genesys benchmark``: how fast this machine trains the reference, and a design beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.cli.designs import find_design
from genesys.cli.efficiency import table as comparison
from genesys.cli.errors import INTERRUPTED
from genesys.cli.scales import compose_with_scale, scales_of
from genesys.cli.text import count
from genesys.errors import ConfigError
from genesys.evolution.run import sandbox_of
from genesys.plugins import Plugins
from genesys.records import Benchmark, Design, Efficiency, Record
from genesys.registry import load
from genesys.sandbox import Sandbox
from genesys.text import one_line

LENGTHS = (128, 512, 2048)  # tokens
STOPPED = "Interrupted. Scales that are done keep their new figures."


def benchmark(
    arguments: Sequence[str],
    run: Path | None = None,
    lengths: Sequence[int] = (),
    as_json: bool = False,
    console: Console | None = None,
) -> int:
    """Measure the reference at each scale anew; or a design and the reference at several lengths.

    Args:
        arguments: At most one design, and overrides of the config; besides, ``scale=NAME``.
        run: Folder of the run that has the design.
        lengths: Of the sequences that a design is measured with, in tokens.
        as_json: Print JSON.
        console: Where to print; standard output when not given.

    Returns:
        The exit code: 0 measured, 130 interrupted.

    Raises:
        GenesysError: Wrong input, or the machine cannot do it.
    """
    overrides = [argument for argument in arguments if "=" in argument or argument[:1] == "~"]
    names = [argument for argument in arguments if argument not in overrides]
    if len(names) > 1:
        raise ConfigError(f"One design at a time, not {' and '.join(names)}.")
    config = compose_with_scale(overrides)
    plugins = load(config, ("verifier",))
    console = console or Console()
    try:
        with sandbox_of(config.get("sandbox")) as sandbox:
            if names:
                design = find_design(names[0], run)
                found = list(_beside(plugins, design, config, lengths or LENGTHS, sandbox))
                _print(console, found, as_json, comparison(found))
            else:
                references = list(_references(plugins, config, sandbox))
                _print(console, references, as_json, _table(references))
    except KeyboardInterrupt:
        Console(stderr=True).print(Text(STOPPED), soft_wrap=True)
        return INTERRUPTED
    return 0


def _references(
    plugins: Plugins, config: Mapping[str, Any], sandbox: Sandbox
) -> Iterator[Benchmark]:
    for scale in scales_of(config):
        Console(stderr=True).print(Text(f"measuring the reference at {scale.name}"))
        yield plugins.offer("benchmark", scale=scale, sandbox=sandbox)


def _beside(
    plugins: Plugins,
    design: Design,
    config: Mapping[str, Any],
    lengths: Sequence[int],
    sandbox: Sandbox,
) -> Iterator[Efficiency]:
    scale = scales_of(config)[0]
    asked = {"design": design, "scale": scale, "lengths": sorted(lengths), "sandbox": sandbox}
    for found in plugins.offer("efficiency", **asked):
        told = f"measured {found.design} at {scale.name}, {found.length} tokens"
        Console(stderr=True).print(Text(told))
        yield found


def _print(console: Console, found: Sequence[Record], as_json: bool, table: RenderableType) -> None:
    if as_json:
        # ASCII only: what a design put into a message cannot reach the terminal as it is.
        data = [record.model_dump(mode="json") for record in found]
        console.out(json.dumps(data, indent=2), highlight=False)
    else:
        console.print(table)


def _table(found: Sequence[Benchmark]) -> Table:
    columns = ("scale", "blocks", "width", "parameters", "precision", "step", "tokens/s", "MiB")
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name == "scale" else "right")
    for one in found:
        table.add_row(
            one_line(one.scale),
            str(one.n_block),
            str(one.embed_dim),
            count(one.parameters),
            one_line(one.precision),
            f"{1000 * one.step_seconds:.1f} ms",
            count(one.tokens_per_second),
            count(one.memory_mb),
        )
    return table
