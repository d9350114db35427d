"""Guests answer calls, end, and are told apart; what they do to their process stays there."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from genesys.sandbox import GuestEnded, GuestRaised, Job, JobStatus, Sandbox
from genesys.sandbox.channel import DTYPES

from .conftest import execute, hostile, processes, wait_for


def test_call_is_answered(confined: Sandbox) -> None:
    values = {"text": "ünïcode", "number": 1.5, "list": [None, True], "X": np.arange(6.0)}
    with confined.open(hostile(confined)) as guest:
        answer = guest.call("echo", **values)
        assert guest.output().splitlines() == ["said on stdout", "said on stderr"]
        assert guest.output() == ""
    assert np.array_equal(answer.pop("X"), values.pop("X"))
    assert answer == values


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_arrays_come_back_as_they_went(dtype: str, sandbox: Sandbox) -> None:
    full = (np.arange(-12, 12) % 7).reshape(2, 3, 4).astype(dtype)
    sent = {"full": full, "scalar": full[0, 0, 0, None].reshape(()), "empty": full[:0]}
    with sandbox.open(hostile(sandbox)) as guest:
        came = guest.call("echo", **sent)
    for name, array in sent.items():
        assert (came[name].dtype, came[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(came[name], array)


def test_guest_keeps_what_it_was_told(sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code="os.kept = 5")
        assert guest.call("attempt", kept="os.kept") == {"kept": "5"}
    with sandbox.open(hostile(sandbox)) as guest:
        assert guest.call("attempt", kept="os.kept") == {"kept": "AttributeError"}


def test_guests_start_alike(confined: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    found = []
    for _ in range(2):
        with confined.open(hostile(confined)) as guest:
            found.append(guest.call("facts"))
            guest.call("execute", code="open('left', 'w').write('x')")
    assert found[0] == found[1]
    facts = found[0]
    assert "canary" not in str(facts["env"])
    assert facts["env"]["HF_HUB_OFFLINE"] == "1"
    assert facts["env"]["HOME"] == facts["env"]["TMPDIR"] == facts["cwd"] == facts["scratch"]
    assert facts["files"] == []


def test_large_array_goes_both_ways(confined: Sandbox) -> None:
    X = np.random.default_rng(0).standard_normal((8, 1024, 512))
    with confined.open(hostile(confined)) as guest:
        assert np.array_equal(guest.call("echo", X=X)["X"], X)


def test_guest_that_never_stops_writing_is_no_deadlock(sandbox: Sandbox) -> None:
    flood = """
import threading
def flood():
    time.sleep(0.1)
    while True:
        os.write(1, b"x" * 50_000)
        write_all(4, forged(b"event", b'{"x": "%s"}' % (b"y" * 50_000)))
threading.Thread(target=flood, daemon=True).start()
"""
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code=flood)
        started = time.monotonic()
        with pytest.raises(GuestEnded, match=r"it wrote|after its answer"):
            while time.monotonic() < started + 10:
                guest.call("echo", X=np.zeros(2**22))


def test_answer_that_comes_before_its_call_is_refused(sandbox: Sandbox) -> None:
    answer = "write_all(4, forged(b'answer', b'{\"forged\": true}'))"
    early = f"import threading\nthreading.Timer(0.05, lambda: {answer}).start()"
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code=early)
        time.sleep(0.3)
        with pytest.raises(GuestEnded, match="after its answer"):
            guest.call("echo", a=1)


def test_events_come_while_the_call_runs(sandbox: Sandbox) -> None:
    seen: list[dict[str, Any]] = []
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("events", seen.append, count=3)
        assert seen == [{"number": n} for n in range(3)]
        guest.call("events", count=2)
    assert len(seen) == 3


def test_call_that_is_broken_off_ends_the_guest(sandbox: Sandbox) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def on_event(event: dict[str, Any]) -> None:
        raise Stop

    with sandbox.open(hostile(sandbox)) as guest:
        with pytest.raises(Stop):
            guest.call("tick", on_event)
        with pytest.raises(GuestEnded, match="broken off"):
            guest.call("echo", a=1)
    wait_for(lambda: not processes()[1])
    with sandbox.open(hostile(sandbox)) as guest:
        assert guest.call("echo", a=1) == {"a": 1}


def test_guest_cannot_be_called_after_its_end(sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        pass
    with pytest.raises(GuestEnded, match="let go"):
        guest.call("echo")
    with pytest.raises(GuestEnded):
        guest.cpu_seconds()
    assert guest.output() == ""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise ValueError('oh')", "ValueError: oh"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("emit({'x': float('nan')})", "not JSON"),
        ("emit({'x': 'y' * 2**23})", "bytes"),
        ("emit([1])", "dict"),
        ("answer['x'] = object()", "not JSON"),
        ("def f(): f()\nf()", "RecursionError"),
        ("class E(Exception):\n def __str__(self): return 1\nraise E", "cannot be printed"),
        ("class E(Exception):\n __reduce__ = 1\nraise E('x' * 10**7)", "E: xxx"),
        ("raise ValueError(chr(0xd800))", "ValueError"),
        ("open(scratch + '/big', 'wb').write(bytes(2**22))", "File too large"),
    ],
)
def test_exception_is_told_and_the_guest_lives_on(code: str, says: str, sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox, disk_mb=2)) as guest:
        with pytest.raises(GuestRaised) as caught:
            guest.call("execute", code=code)
        assert says in str(caught.value)
        assert len(str(caught.value)) < 20_000
        assert caught.value.details == {"described": caught.value.type}
        assert guest.call("echo", a=1) == {"a": 1}


def test_traceback_begins_at_the_entry(sandbox: Sandbox) -> None:
    with pytest.raises(GuestRaised) as caught:
        execute(sandbox, "raise ValueError('oh')")
    assert "genesys/sandbox" not in caught.value.trace
    assert "hostile_jobs.py" in caught.value.trace


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("os._exit(0)", JobStatus.DIED, "status 0 without an answer"),
        ("os._exit(7)", JobStatus.DIED, "status 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", JobStatus.DIED, "SIGSEGV"),
        ("os.kill(os.getpid(), 40)", JobStatus.DIED, "signal 40"),
        ("emit({'x': 2**63})", JobStatus.DIED, "no JSON"),
        ("bytearray(30 * 2**30)", JobStatus.MEMORY, "1024 MiB"),
        ("import numpy; numpy.ones(30 * 2**27)", JobStatus.MEMORY, "1024 MiB"),
        ("import torch; torch.ones(30 * 2**28)", JobStatus.MEMORY, "1024 MiB"),
    ],
)
def test_end_is_told(code: str, status: JobStatus, says: str, sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        with pytest.raises(GuestEnded) as caught:
            guest.call("execute", code=f"print('last words')\n{code}")
        assert (caught.value.status, says in caught.value.message) == (status, True)
        assert "last words" in caught.value.output
        with pytest.raises(GuestEnded) as again:
            guest.call("echo")
        assert again.value is caught.value


def test_guest_that_ends_between_calls_is_told(sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        later = "threading.Timer(0.1, lambda: os._exit(5)).start()"
        guest.call("execute", code=f"import threading; {later}")
        wait_for(lambda: not processes()[1])
        with pytest.raises(GuestEnded, match="status 5"):
            guest.call("echo", X=np.zeros(2**20))


def test_entry_that_cannot_be_made_is_the_guests_fault(sandbox: Sandbox) -> None:
    with (
        pytest.raises(GuestRaised, match="no_such_module"),
        sandbox.open(Job(entry="no_such_module:Entry")),
    ):
        pass
    job = hostile(sandbox).model_copy(update={"payload": {"code": "raise ValueError('oh')"}})
    with pytest.raises(GuestRaised, match="oh"), sandbox.open(job):
        pass
    with (
        sandbox.open(hostile(sandbox)) as guest,
        pytest.raises(GuestRaised, match="no_such_method"),
    ):
        guest.call("no_such_method")


def test_much_output_is_cut(sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code="for _ in range(400): print('x' * 9999)\nprint('end')")
        output = guest.output()
    assert len(output) <= 64 * 1024
    assert output.endswith("end\n")


def test_output_without_end_does_not_keep_us(sandbox: Sandbox) -> None:
    flood = "import threading\ndef f():\n while True: os.write(1, b'x' * 65536)\n"
    with sandbox.open(hostile(sandbox)) as guest:
        guest.call("execute", code=flood + "threading.Thread(target=f, daemon=True).start()")
        started = time.monotonic()
        guest.output()
        assert guest.call("echo", a=1) == {"a": 1}
        assert time.monotonic() - started < 10


def test_output_cannot_steer_a_terminal(sandbox: Sandbox) -> None:
    with sandbox.open(hostile(sandbox)) as guest:
        with pytest.raises(GuestRaised) as caught:
            guest.call("execute", code="print('\\x1b[2Jgone'); raise ValueError('\\x1b[2Jgone')")
        output = guest.output()
        guest.call("execute", code="os.write(1, bytes(range(256)))")
        binary = guest.output()
    assert "\x1b" not in output + str(caught.value) + caught.value.trace + binary
    assert "gone" in output
    assert "\ufffd" in binary


def test_use_is_measured_from_outside(sandbox: Sandbox) -> None:
    spin = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    with sandbox.open(hostile(sandbox)) as guest:
        before = guest.cpu_seconds()
        guest.call("execute", code=spin)
        assert 0.25 < guest.cpu_seconds() - before < 2
        guest.peak_memory_mb()
        guest.call("execute", code="bytearray(os.urandom(1) * (200 * 2**20))")
        assert 150 < guest.peak_memory_mb() < 450


def test_host_has_one_thread_to_fork_from() -> None:
    with Sandbox(preload=["torch", "pyarrow"]) as fresh, fresh.open(hostile(fresh)):
        hosts, _ = processes()
        assert {host.num_threads() for host in hosts} == {1}


def test_descriptors_are_few(confined: Sandbox) -> None:
    with confined.open(hostile(confined)) as guest:
        # 0 to 2, the channel's two, and the one that lists them.
        found = guest.call("attempt", open="sorted(map(int, os.listdir('/proc/self/fd')))")
    assert found == {"open": "[0, 1, 2, 3, 4, 5]"}
