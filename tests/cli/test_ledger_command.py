"""``genesys ledger``: what was decided and done, a line each."""

import json
from io import StringIO

import pytest
from rich.console import Console

from genesys.cli.ledger import ledger
from genesys.errors import StoreError
from genesys.population.ledger import Entry, Ledger
from genesys.population.run_file import RunFile

SELECTION = {"operator": "crossover", "designs": ["gpt2", "mamba2"], "why": "the best two"}
VERIFIED = {"job": 1, "work": "verification", "design": "gate", "scale": "0.1M"}
TOLD = [
    {"kind": "opened"},
    {"kind": "joined", "worker": "v-1", "why": "verification"},
    {"kind": "begun", "job": 0, "work": "session", "session": 0, "selection": SELECTION},
    {
        "kind": "ended",
        "job": 0,
        "work": "session",
        "session": 0,
        "design": "gate",
        "outcome": "accepted",
        "worker": "d-1",
        "seconds": 75,
        "usd": 1.5,
    },
    {"kind": "begun", **VERIFIED, "why": "exploits"},
    {"kind": "failed", **VERIFIED, "outcome": "lost", "worker": "v-1", "why": "\x1b[2Jsilent"},
]


def append(folder, told):
    with Ledger(folder) as open_ledger:
        for entry in told:
            open_ledger.append(Entry.model_validate({"time": 0.0} | entry))


@pytest.fixture()
def folder(tmp_path):
    RunFile.of({}).save(tmp_path)
    append(tmp_path, TOLD)
    return tmp_path


def printed(folder, **options):
    console = Console(file=StringIO(), width=60, force_terminal=options.pop("terminal", False))
    ledger(folder, console=console, **options)
    return console.file.getvalue().splitlines()


def test_a_line_for_each_entry_newest_last(folder):
    lines = [line.split(maxsplit=2)[2] for line in printed(folder)]
    assert lines == [
        "opened     ",
        "joined     v-1: verification",
        "0 begun      session 0, crossover of gpt2 × mamba2",
        "0 ended      session 0 → gate, d-1, accepted, 1:15, 1.50 USD",
        "1 begun      gate at 0.1M: exploits",
        "1 failed     gate at 0.1M, v-1, lost: silent",
    ]
    assert len(printed(folder, last=2)) == 2
    assert len(printed(folder, last=0)) == 6


def test_a_terminal_has_a_line_for_each(folder):
    lines = printed(folder, terminal=True)
    assert len(lines) == 6
    assert "…" in lines[3]


def test_as_json(folder):
    data = [json.loads(line) for line in printed(folder, as_json=True)]
    assert [entry["kind"] for entry in data] == [entry["kind"] for entry in TOLD]
    assert data[2]["selection"] == SELECTION


def test_it_follows_what_is_appended(folder):
    def wait(seconds):
        if len(Ledger.read(folder)) > len(TOLD):
            raise KeyboardInterrupt
        append(folder, [{"kind": "ended", **VERIFIED, "outcome": "ok", "worker": "v-2"}])

    lines = printed(folder, follow=True, last=1, wait=wait)
    assert [line.split(", ", 1)[1] for line in lines] == ["v-1, lost: silent", "v-2, ok"]


def test_a_run_without_a_ledger_and_no_run(tmp_path):
    with pytest.raises(StoreError, match="no run folder"):
        printed(tmp_path)
    RunFile.of({}).save(tmp_path)
    assert "The run has no ledger" in " ".join(printed(tmp_path))
