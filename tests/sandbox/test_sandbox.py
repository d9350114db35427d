"""Jobs run, answer and end; what they do to their process stays there."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from genesys.errors import SandboxError
from genesys.sandbox import Job, JobResult, JobStatus, Limits, Sandbox

from .conftest import HERE


def run(
    sandbox: Sandbox, entry: str, payload: dict[str, Any] | None = None, **limits: Any
) -> JobResult:
    bounds = sandbox.limits.model_copy(update=limits)
    return sandbox.run(Job(entry=f"hostile_jobs:{entry}", payload=payload or {}, limits=bounds))


def execute(sandbox: Sandbox, code: str, **limits: Any) -> JobResult:
    return run(sandbox, "execute", {"code": code}, **limits)


def wait_for(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_job_answers_and_streams(sandbox: Sandbox) -> None:
    events: list[dict[str, Any]] = []
    payload = {"events": 3, "text": "ünïcode", "number": 1.5}
    result = sandbox.run(Job(entry="hostile_jobs:echo", payload=payload), events.append)
    assert result.status is JobStatus.OK
    assert result.value["payload"] == payload
    assert result.value["files"] == 0
    assert events == [{"number": n} for n in range(3)]
    assert result.output.splitlines() == ["said on stdout", "said on stderr"]
    assert not Path(result.value["scratch"]).exists()


def test_events_come_while_the_job_runs(sandbox: Sandbox) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    seen: list[dict[str, Any]] = []

    def on_event(event: dict[str, Any]) -> None:
        seen.append(event)
        if len(seen) == 3:
            raise Stop

    with pytest.raises(Stop):
        sandbox.run(Job(entry="hostile_jobs:tick", payload={}), on_event)
    wait_for(lambda: is_gone(seen[0]["pid"]))
    assert run(sandbox, "echo").status is JobStatus.OK


def test_environment_is_scrubbed_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with Sandbox(Limits(threads=1)) as fresh:
        value = run(fresh, "environment").value
        fresh.close()
        again = run(fresh, "environment").value
    assert "secret" not in str(value["env"])
    assert value["env"]["HF_HUB_OFFLINE"] == "1"
    assert value["env"]["HOME"] == value["env"]["TMPDIR"] == value["cwd"]
    assert value["threads"] == 1
    assert value["numbers"] == again["numbers"]


def test_host_has_one_thread_to_fork_from() -> None:
    threads: list[int] = []

    def on_event(event: dict[str, Any]) -> None:
        threads.append(psutil.Process(event["host"]).num_threads())

    with Sandbox(preload=["torch", "pyarrow"]) as fresh:
        job = Job(entry="hostile_jobs:tick", payload={}, limits=Limits(seconds=0.2))
        assert fresh.run(job, on_event).status is JobStatus.TIMEOUT
    assert set(threads) == {1}


def test_warm_job_costs_little(sandbox: Sandbox) -> None:
    run(sandbox, "echo")
    best = min(run(sandbox, "echo").seconds for _ in range(5))
    assert best < 0.1


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [
        ("raise ValueError('oh')", JobStatus.RAISED, "ValueError: oh"),
        ("raise SystemExit(0)", JobStatus.RAISED, "SystemExit"),
        ("raise KeyboardInterrupt", JobStatus.RAISED, "KeyboardInterrupt"),
        ("os._exit(0)", JobStatus.DIED, "status 0 without a result"),
        ("os._exit(7)", JobStatus.DIED, "status 7"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", JobStatus.DIED, "SIGSEGV"),
        ("os.kill(os.getpid(), 40)", JobStatus.DIED, "signal 40"),
        ("emit({'x': 2**63})", JobStatus.DIED, "no JSON"),
        ("bytearray(30 * 2**30)", JobStatus.MEMORY, "1024 MiB"),
        ("import torch; torch.ones(30 * 2**28)", JobStatus.MEMORY, "1024 MiB"),
        ("emit({'x': float('nan')})", JobStatus.RAISED, "not JSON"),
        ("emit({'x': 'y' * 2**23})", JobStatus.RAISED, "bytes"),
        ("emit([1])", JobStatus.RAISED, "dict"),
        ("os.fork()", JobStatus.RAISED, "PermissionError"),
        ("import subprocess; subprocess.run(['/bin/true'])", JobStatus.RAISED, "PermissionError"),
        ("os.setsid()", JobStatus.RAISED, "PermissionError"),
        ("def f(): f()\nf()", JobStatus.RAISED, "RecursionError"),
        ("open(scratch + '/big', 'wb').write(bytes(2**22))", JobStatus.RAISED, "File too large"),
    ],
)
def test_end_of_a_job_is_told(code: str, status: JobStatus, says: str, sandbox: Sandbox) -> None:
    result = execute(sandbox, code, disk_mb=2)
    assert result.status is status, result
    assert says in result.message
    assert result.value == {}


def test_traceback_begins_at_the_entry(sandbox: Sandbox) -> None:
    message = execute(sandbox, "raise ValueError('oh')").message
    assert "genesys/sandbox" not in message
    assert "hostile_jobs.py" in message


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(99)"])
def test_endless_job_times_out(code: str, sandbox: Sandbox) -> None:
    result = execute(sandbox, code, seconds=0.5)
    assert result.status is JobStatus.TIMEOUT
    assert result.seconds < 5
    assert "0.5 seconds" in result.message


def test_job_that_is_out_of_time_before_it_begins_is_ended(sandbox: Sandbox) -> None:
    result = execute(sandbox, "import time; time.sleep(9)", seconds=1e-6)
    assert result.status is JobStatus.TIMEOUT
    assert result.seconds < 5


def test_host_that_hangs_is_replaced(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genesys.sandbox.process.GRACE_SECONDS", 0.5)
    stopped: list[int] = []

    def on_event(event: dict[str, Any]) -> None:
        if not stopped:
            stopped.append(event["host"])
            os.kill(event["host"], signal.SIGSTOP)

    job = Job(entry="hostile_jobs:tick", payload={}, limits=Limits(seconds=0.5))
    with pytest.raises(SandboxError, match="hangs"):
        sandbox.run(job, on_event)
    assert run(sandbox, "echo").status is JobStatus.OK


def test_resident_memory_is_counted(sandbox: Sandbox) -> None:
    result = run(sandbox, "fill", memory_mb=256)
    assert result.status is JobStatus.MEMORY
    assert "256 MiB" in result.message


def test_threads_are_counted(sandbox: Sandbox) -> None:
    result = run(sandbox, "sleepers", {"count": 40}, processes=16)
    assert (result.status, "16 threads" in result.message) == (JobStatus.DIED, True)
    assert run(sandbox, "sleepers", {"count": 4}, processes=16).status is JobStatus.OK


def test_files_are_counted(sandbox: Sandbox) -> None:
    many = "for n in range(9): open(f'{scratch}/{n}', 'wb').write(bytes(2**21))\n"
    result = execute(sandbox, f"{many}import time; time.sleep(9)", disk_mb=4)
    assert (result.status, "4 MiB of files" in result.message) == (JobStatus.DIED, True)


def test_empty_files_are_counted(sandbox: Sandbox) -> None:
    many = "for n in range(999): open(f'{scratch}/{n}', 'wb')\n"
    result = execute(sandbox, f"{many}import time; time.sleep(9)", disk_mb=2)
    assert (result.status, "2 MiB of files" in result.message) == (JobStatus.DIED, True)


def test_much_output_is_cut(sandbox: Sandbox) -> None:
    result = execute(sandbox, "for _ in range(400): print('x' * 9999)\nprint('end')")
    assert result.status is JobStatus.OK
    assert len(result.output) <= 64 * 1024
    assert result.output.endswith("end\n")


def test_output_cannot_steer_a_terminal(sandbox: Sandbox) -> None:
    result = execute(sandbox, "print('\\x1b[2Jgone'); raise ValueError('\\x1b[2Jgone')")
    assert "\x1b" not in result.output + result.message
    assert "gone" in result.output


def test_output_that_is_no_text_is_harmless(sandbox: Sandbox) -> None:
    result = execute(sandbox, "os.write(1, bytes(range(256)))")
    assert result.status is JobStatus.OK
    assert "\ufffd" in result.output


FORGED = '{"token": "a", "kind": "result", "body": {"valid": true}}'


@pytest.mark.parametrize(
    "written",
    [FORGED, "garbage", "[" * 5000, '{"token": 1}', "NaN", "\\xff\\xfe", "x" * (5 * 2**20)],
)
def test_forged_message_ends_in_no_result(written: str, sandbox: Sandbox) -> None:
    code = (
        f"data = b'{written}' + chr(10).encode()\n"
        "for fd in range(3, 16):\n"
        "    rest = data\n"
        "    try:\n"
        "        while rest: rest = rest[os.write(fd, rest):]\n"
        "    except OSError: pass\n"
    )
    result = execute(sandbox, code)
    assert result.status is JobStatus.DIED
    assert result.value == {}
    assert "the job" in result.message


def test_host_that_was_killed_is_replaced(sandbox: Sandbox) -> None:
    seen: list[dict[str, Any]] = []

    def on_event(event: dict[str, Any]) -> None:
        if not seen:
            os.kill(event["host"], signal.SIGKILL)
        seen.append(event)

    with pytest.raises(SandboxError, match="host died"):
        sandbox.run(Job(entry="hostile_jobs:tick", payload={}), on_event)
    wait_for(lambda: is_gone(seen[0]["pid"]))
    assert run(sandbox, "echo").status is JobStatus.OK


COORDINATOR = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from genesys.sandbox import Job, Sandbox
with Sandbox(scratch_root=Path({root!r}), preload=[]) as sandbox:
    sandbox.run(Job(entry="hostile_jobs:tick", payload={{}}), lambda e: print(e, flush=True))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_coordinator_that_ends_leaves_nothing(how: signal.Signals, tmp_path: Path) -> None:
    code = COORDINATOR.format(here=HERE, root=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as coordinator:
        assert coordinator.stdout is not None
        event = ast.literal_eval(coordinator.stdout.readline().decode())
        coordinator.send_signal(how)
        coordinator.wait(timeout=20)
    wait_for(lambda: is_gone(event["pid"]) and is_gone(event["host"]))
    wait_for(lambda: list(tmp_path.iterdir()) == [])


def test_coordinator_killed_while_the_host_starts_leaves_nothing(tmp_path: Path) -> None:
    code = COORDINATOR.format(here=HERE, root=str(tmp_path)).replace("[]", "['torch']")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) as coordinator:
        wait_for(lambda: list(tmp_path.iterdir()))
        coordinator.kill()
    wait_for(lambda: list(tmp_path.iterdir()) == [])


def test_threads_may_share_a_sandbox(sandbox: Sandbox) -> None:
    results: list[JobResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(run(sandbox, "echo"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.status for r in results] == [JobStatus.OK] * 4


def test_unknown_entry_is_the_jobs_fault(sandbox: Sandbox) -> None:
    result = sandbox.run(Job(entry="no_such_module:run", payload={}))
    assert result.status is JobStatus.RAISED
    assert "no_such_module" in result.message


def test_folder_that_cannot_be_made_is_a_machine_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="Cannot start"):
        Sandbox(scratch_root=tmp_path / "file").run(Job(entry="a:b", payload={}))


def test_host_that_cannot_start_is_a_machine_fault() -> None:
    with pytest.raises(SandboxError, match="no_such_module"):
        Sandbox(preload=["no_such_module"]).run(Job(entry="a:b", payload={}))
