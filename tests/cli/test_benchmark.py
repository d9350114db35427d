"""``genesys benchmark`` with a verifier that makes its numbers up."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, entry_points
from io import StringIO

import pytest
from rich.console import Console

from genesys import registry
from genesys.cli.benchmark import benchmark
from genesys.errors import ConfigError, UnknownNameError
from genesys.markers import hookimpl
from genesys.records import Benchmark, Efficiency

MEASURED = {
    "train_tokens_per_second": 20_000.0,
    "train_memory_mb": 100.0,
    "prefill_tokens_per_second": 80_000.0,
    "prefill_memory_mb": 10.0,
    "prefill_bytes_per_token": 7000.0,
}


class Guessing:
    """Offers benchmarks; a design takes twice as long as the reference, and fails at 512.

    With ``keep_weights`` the person loses patience at the last scale.
    """

    def __init__(self, keep_weights: bool = False, **settings: object) -> None:
        self.interrupted = keep_weights

    @hookimpl
    def verify(self, design):
        return None

    def benchmark(self, scale, sandbox):
        if scale.name == "1M" and self.interrupted:
            raise KeyboardInterrupt
        return Benchmark(
            scale=scale.name,
            n_block=scale.n_block,
            embed_dim=scale.d_model,
            parameters=101_000,
            step_seconds=0.0425,
            precision="float32",
            tokens_per_second=21_300.0,
            memory_mb=55.0,
        )

    def efficiency(self, design, scale, lengths, sandbox):
        for length in lengths:
            yield Efficiency(design="gpt2", length=length, rows=1, **MEASURED)
            error = "\x1b[2Jout of memory" if length == 512 else ""
            half = {name: value / 2 for name, value in MEASURED.items() if not error}
            yield Efficiency(design=design.name, length=length, rows=1, **half, error=error)


class Silent:
    """Offers nothing."""

    def __init__(self, **settings: object) -> None:
        pass

    @hookimpl
    def verify(self, design):
        return None


@pytest.fixture()
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    points = [
        *entry_points(group="genesys"),
        EntryPoint("verifier.guessing", f"{__name__}:Guessing", "genesys"),
        EntryPoint("verifier.silent", f"{__name__}:Silent", "genesys"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)

    def printed(*arguments, verifier="guessing", **options):
        console = Console(file=StringIO(), width=100)
        overrides = [f"verifier.name={verifier}", *arguments]
        printed.code = benchmark(overrides, console=console, **options)
        return console.file.getvalue()

    return printed


def test_the_reference_at_each_scale_or_one(run):
    text = run()
    assert [line.split() for line in text.splitlines() if "M " in line and "k" in line] == [
        ["0.1M", "2", "64", "101k", "float32", "42.5", "ms", "21.3k", "55"],
        ["0.3M", "3", "96", "101k", "float32", "42.5", "ms", "21.3k", "55"],
        ["1M", "5", "128", "101k", "float32", "42.5", "ms", "21.3k", "55"],
    ]
    (only,) = json.loads(run("scale=0.3M", as_json=True))
    assert Benchmark(**only).scale == "0.3M"


def test_a_design_beside_the_reference(run):
    text = run("mamba2", lengths=[512, 128])
    assert text.index("128") < text.index("512")
    assert "10k (0.50×)" in text and "5 (0.50×)" in text and "3.5k (0.50×)" in text
    assert "out of memory" in text and "\x1b" not in text
    found = json.loads(run("mamba2", as_json=True))
    assert [(one["design"], one["length"]) for one in found] == [
        (design, length) for length in (128, 512, 2048) for design in ("gpt2", "mamba2")
    ]


def test_an_interrupt_is_one_plain_message(run, capsys):
    assert run("verifier.keep_weights=true") == ""
    assert run.code == 130
    assert capsys.readouterr().err.endswith(
        "Interrupted. Scales that are done keep their new figures.\n"
    )


def test_wrong_input_is_explained(run):
    with pytest.raises(UnknownNameError, match="Did you mean 'mamba2'"):
        run("mamba3")
    with pytest.raises(UnknownNameError, match=r"Did you mean '0\.3M'"):
        run("scale=0.2M")
    with pytest.raises(ConfigError, match="One design at a time"):
        run("gpt2", "mamba2")
    with pytest.raises(ConfigError, match="offers 'benchmark'"):
        run(verifier="silent")
