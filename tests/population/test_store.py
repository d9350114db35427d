"""Tables of records on a disk that is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import Field

from genesys.errors import StoreError
from genesys.population.store import RecordTable
from genesys.records import Record
from genesys.tape import Answer

# A limit on the size of files stands for a full disk: of what goes beyond it nothing is written.
FULL = """
import resource, signal, sys
from pathlib import Path
from pydantic import Field

from genesys.population.store import RecordTable
from genesys.tape import Answer

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
table = RecordTable(Path(sys.argv[1]), "answers", Answer, writable=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
kept = []
for size in range(100, 2000, 100):
    value = "".join(chr(65 + i * 7919 % 53) for i in range(size))
    try:
        table.append(Answer(session=size, kind="k", key="x", json_value=value))
        kept.append(size)
    except (OSError, RuntimeError):
        pass
print(*kept)
"""


def test_what_is_not_refused_is_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], check=True, capture_output=True, text=True
    )
    kept = [int(size) for size in done.stdout.split()]
    assert 100 in kept
    assert 1900 not in kept
    read = RecordTable(tmp_path, "answers", Answer, writable=False).read()
    assert [answer.session for answer in read] == kept


def test_a_version_that_cannot_be_read_is_left_behind(tmp_path: Path) -> None:
    for session in range(3):
        table = RecordTable(tmp_path, "answers", Answer, writable=True)
        table.append(Answer(session=session, kind="k", key="x", json_value="1"))
        table.settle()
    newest = max(
        (tmp_path / "answers.lance" / "data").iterdir(), key=lambda p: p.stat().st_mtime_ns
    )
    newest.write_bytes(newest.read_bytes()[:-200])
    for writable in (False, True, False):
        read = RecordTable(tmp_path, "answers", Answer, writable=writable).read()
        assert [answer.session for answer in read] == [0, 1]
    table = RecordTable(tmp_path, "answers", Answer, writable=True)
    table.append(Answer(session=7, kind="k", key="x", json_value="1"))
    assert [answer.session for answer in table.read()] == [0, 1, 7]


def answer(session: int) -> Answer:
    return Answer(session=session, kind="k", key="x", json_value="1")


def sessions(folder: Path) -> list[int]:
    """As another process reads them."""
    table = RecordTable(folder, "answers", Answer, writable=False)
    assert table.column("session") == [kept.session for kept in table.read()]
    return table.column("session")


def test_what_is_in_the_journal_is_read_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genesys.population.store.ROWS", 3)
    table = RecordTable(tmp_path, "answers", Answer, writable=True)
    for session in range(8):
        table.append(answer(session))
        assert sessions(tmp_path) == table.column("session") == list(range(session + 1))
        assert len(list(tmp_path.glob("answers.*.jsonl"))) == 1
    assert [kept.session for kept in table.read(session=7)] == [7]
    assert [kept.session for kept in table.read(session=2)] == [2]
    table.settle()
    assert list(tmp_path.glob("*.jsonl")) == []
    assert sessions(tmp_path) == list(range(8))


def test_a_line_without_an_end_was_never_committed(tmp_path: Path) -> None:
    table = RecordTable(tmp_path, "answers", Answer, writable=True)
    table.append(answer(0))
    with (tmp_path / "answers.0.jsonl").open("ab") as file:
        file.write(b'{"session":1,"kind')
    assert sessions(tmp_path) == [0]
    RecordTable(tmp_path, "answers", Answer, writable=True).append(answer(2))
    assert sessions(tmp_path) == [0, 2]


def test_killed_between_the_table_and_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = RecordTable(tmp_path, "answers", Answer, writable=True)
    table.append(answer(0))
    with monkeypatch.context() as patch, pytest.raises(OSError, match="killed"):
        patch.setattr(table._journal, "clear", _killed)
        table.settle()
    assert sessions(tmp_path) == [0]
    again = RecordTable(tmp_path, "answers", Answer, writable=True)
    again.append(answer(1))
    assert sessions(tmp_path) == [0, 1]


def _killed() -> None:
    raise OSError("killed")


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    table = RecordTable(tmp_path, "answers", Answer, writable=True)
    table.append(answer(0))
    with (tmp_path / "answers.0.jsonl").open("ab") as file:
        file.write(b'{"session":"one"}\n')
    with pytest.raises(StoreError, match=r"answers\.0\.jsonl, line 2 .* restore it from a copy"):
        RecordTable(tmp_path, "answers", Answer, writable=False)


class Note(Record):
    text: str = "none"


class Before(Record):
    index: int


class Holder(Record):
    index: int
    note: Note = Note()
    notes: list[Note] = Field(default_factory=list)


def test_a_table_of_an_earlier_release_gets_the_fields_it_lacks(tmp_path: Path) -> None:
    old = RecordTable(tmp_path, "kept", Before, writable=True)
    old.append(Before(index=1))
    assert RecordTable(tmp_path, "kept", Holder, writable=False).read() == [Holder(index=1)]
    new = RecordTable(tmp_path, "kept", Holder, writable=True)
    later = Holder(index=2, note=Note(text="new"), notes=[Note()])
    new.append(later)
    again = RecordTable(tmp_path, "kept", Holder, writable=True)
    assert again.read() == new.read() == [Holder(index=1), later]


def test_many_records_at_once(tmp_path: Path) -> None:
    made = [Answer(session=i, kind="k", key="x", json_value=str(i)) for i in range(1300)]
    table = RecordTable(tmp_path, "answers", Answer, writable=True)
    table.append(made[0])
    table.extend(made[1:1200])
    for answer in made[1200:]:
        table.append(answer)
    assert table.read() == made
    assert RecordTable(tmp_path, "answers", Answer, writable=False).read() == made
    assert RecordTable(tmp_path, "answers", Answer, writable=True).read(session=600) == [made[600]]
