"""How long, and how much memory, one large event log takes: skewer beside its decompression and the history server.

Usage: measure.py SKEWER SPARK_HOME LOG     SKEWER is a release build; run it on a machine that does nothing else
Three rounds in a row, a line each. Linux and zstd are needed.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

from history_server import get, history_server

ROUNDS = 3


def main(skewer: str, spark_home: pathlib.Path, log: pathlib.Path) -> None:
    print(f"{log.name}: {log.stat().st_size / 1e6:.1f} MB compressed, {os.cpu_count()} cores")
    for _ in range(ROUNDS):
        lines, zstd_seconds = timed(f"zstd -dc {log} | wc -l")
        skewer_seconds, peak = replay(skewer, log)
        tasks, server_seconds = server(spark_home, log)
        print(f"zstd -dc | wc -l: {zstd_seconds:.2f} s ({lines} lines)   "
              f"skewer report: {skewer_seconds:.2f} s, peak {peak / 1024:.0f} MiB   "
              f"history server, first answer: {server_seconds:.1f} s ({tasks} tasks)", flush=True)  # fmt: skip


def timed(command: str) -> tuple[int, float]:
    begin = time.monotonic()
    done = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)
    return int(done.stdout), time.monotonic() - begin


def replay(skewer: str, log: pathlib.Path) -> tuple[float, int]:
    """Wall seconds, and the peak of resident memory in KiB."""
    begin = time.monotonic()
    process = subprocess.Popen([skewer, "report", str(log), "--format", "json"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"skewer ended with status {process.returncode}")
    return seconds, usage.ru_maxrss


def server(spark_home: pathlib.Path, log: pathlib.Path) -> tuple[int, float]:
    """Tasks told, and seconds from the first request for the application's stages to the answer."""
    with tempfile.TemporaryDirectory(prefix="measure-") as folder:
        os.symlink(log, pathlib.Path(folder, log.name))
        with history_server(spark_home, pathlib.Path(folder), 1) as address:
            app = get(address, "applications")[0]["id"]
            begin = time.monotonic()
            stages = get(address, f"applications/{app}/stages")
            return sum(stage["numCompleteTasks"] for stage in stages), time.monotonic() - begin


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve())
