"""What the sandbox costs: the start of its host, then a job that does nothing.

python benchmarks/sandbox.py [--jobs 50]
"""

from __future__ import annotations

import argparse
import statistics
from time import perf_counter

from genesys.sandbox import Job, JobStatus, Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=50)
    options = parser.parse_args()
    job = Job(entry="benchmarks.sandbox:nothing", payload={})
    with Sandbox() as sandbox:
        seconds = []
        for _ in range(options.jobs + 1):
            started = perf_counter()
            result = sandbox.run(job)
            seconds.append(perf_counter() - started)
            if result.status is not JobStatus.OK:
                raise SystemExit(result.message)
    print(f"first job, with the start of the host: {seconds[0]:.2f} s")
    print(f"warm job: median {1e3 * statistics.median(seconds[1:]):.0f} ms")


def nothing(payload: dict, emit: object, scratch: str) -> dict:
    return {}


if __name__ == "__main__":
    main()
