#!/usr/bin/env python3
"""Whole processes side by side: skewer beside decompression alone, a real history server and curl.

    benches/side_by_side.py SKEWER SPARK_HOME LOG…  [--rounds 7] [--only replay,server,rest,list,start]

SKEWER is a release build. The LOGs are zstd event logs of different sizes, the smallest first (tests/spark/many_tasks.py makes them, and
tests/spark/multiply.py larger ones). Two commands that are compared run in turn, and a ratio is taken pair by pair, so that what a shared
machine does meanwhile falls out. Prints the tables of docs/speed.md: median (least – most). Linux, zstd and curl are needed."""

import argparse
import contextlib
import http.server
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests/conformance"), str(HERE.parent / "tests/pty")]

from history_server import get, history_server  # noqa: E402
from keys import END, Terminal  # noqa: E402

# A history server answers the stages of larger logs after minutes.
SERVER_TASKS = 1_100_000
LISTED = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("skewer")
    parser.add_argument("spark_home", type=pathlib.Path)
    parser.add_argument("logs", nargs="+", type=pathlib.Path, metavar="LOG")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="replay,server,rest,list,start")
    args = parser.parse_args()
    logs = [log.resolve() for log in args.logs]
    print(f"{os.cpu_count()} cores, {args.rounds} rounds, {time.strftime('%Y-%m-%d')}; skewer of "
          f"{pathlib.Path(args.skewer).stat().st_size / 1e6:.1f} MB\n")  # fmt: skip
    only = args.only.split(",")
    if "replay" in only:
        replay(args.skewer, logs, args.rounds)
    if "server" in only:
        server(args.skewer, args.spark_home, logs)
    if "rest" in only:
        rest(args.skewer, args.spark_home, logs, args.rounds)
    if "list" in only:
        listing(args.skewer, args.rounds)
    if "start" in only:
        start(args.skewer, logs, args.rounds)


def replay(skewer: str, logs: list[pathlib.Path], rounds: int) -> None:
    rows = []
    for log in logs:
        # Brings the log into the page cache too.
        lines = int(subprocess.run(f"zstd -dc {quote(log)} | wc -l", shell=True, check=True, capture_output=True).stdout)
        few = max(3, rounds // 3) if lines > 5_000_000 else rounds
        a, b, peaks = [], [], []
        for _ in range(few):
            a.append(run(f"zstd -dc {quote(log)} | wc -l")[0])
            seconds, peak = run(f"exec {quote(skewer)} report {quote(log)} --format json")
            b.append(seconds)
            peaks.append(peak)
        rows.append([log.stem, f"{lines:,}", f"{log.stat().st_size / 1e6:.1f} MB", spread(a), spread(b),
                     spread([y / x for x, y in zip(a, b)], ""), spread(peaks, " MB", 0)])  # fmt: skip
    table("The whole report of a log beside its decompression",
          ["log", "lines", "zstd", "`zstd -dc \\| wc -l`", "`skewer report`", "ratio", "peak memory"], rows)  # fmt: skip


def server(skewer: str, spark_home: pathlib.Path, logs: list[pathlib.Path]) -> None:
    rows = []
    for log in logs:
        started = time.monotonic()
        with folder_of(log) as folder, history_server(spark_home, folder, 1) as address:
            app = get(address, "applications")[0]["id"]
            listed = time.monotonic()
            stages = get(address, f"applications/{app}/stages")
            answered = time.monotonic()
        tasks = sum(stage["numCompleteTasks"] for stage in stages)
        ours = statistics.median(run(f"exec {quote(skewer)} report {quote(log)} --format json")[0] for _ in range(3))
        rows.append([log.stem, f"{tasks:,}", f"{ours:.2f} s",
                     *(f"{waited:.1f} s, 1 / {waited / ours:.0f}" for waited in (answered - started, answered - listed))])  # fmt: skip
        if tasks > SERVER_TASKS / 10:
            break
    table("The whole report beside a history server's first answer (its list of stages)",
          ["log", "tasks", "skewer", "history server, from its start", "from its listing the log"], rows)  # fmt: skip


def rest(skewer: str, spark_home: pathlib.Path, logs: list[pathlib.Path], rounds: int) -> None:
    """The tasks of the largest log whose tasks a server keeps (`spark.ui.retainedTasks`: 100,000 a stage)."""
    log = logs[1] if len(logs) > 1 else logs[0]
    with folder_of(log) as folder, history_server(spark_home, folder, 1) as address:
        app = get(address, "applications")[0]["id"]
        ran = [stage for stage in get(address, f"applications/{app}/stages") if stage["status"] != "SKIPPED"]
        paths = [f"{address}/api/v1/applications/{app}/stages/{stage['stageId']}/{stage['attemptId']}/taskList"
                 f"?offset=0&length={stage['numTasks'] + 1000}" for stage in ran]  # fmt: skip
        curl = "curl -s --compressed -o /dev/null " + " -o /dev/null ".join(map(shlex.quote, paths))
        ours = f"exec {quote(skewer)} export {address} --app {app} --source rest --table tasks --format csv"
        run(curl), run(ours)
        a, b, peaks = [], [], []
        for _ in range(rounds):
            a.append(run(curl)[0])
            seconds, peak = run(ours)
            b.append(seconds)
            peaks.append(peak)
    tasks = sum(stage["numTasks"] for stage in ran)
    table("All tasks over REST, read and written as CSV, beside their download",
          ["tasks", "curl", "`skewer export`", "ratio", "peak memory"],
          [[f"{tasks:,}", spread(a), spread(b), spread([y / x for x, y in zip(a, b)], ""), spread(peaks, " MB", 0)]])  # fmt: skip


def listing(skewer: str, rounds: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as work:
        folder = pathlib.Path(work, "logs")
        subprocess.run([sys.executable, HERE.parent / "tests/spark/many_logs.py", HERE.parent / "tests/fixtures/logs", str(LISTED), folder],
                       check=True)  # fmt: skip
        command = f"XDG_CACHE_HOME={quote(work)}/cache {quote(skewer)} apps {quote(folder)} --format json"
        first = []
        for _ in range(3):
            shutil.rmtree(pathlib.Path(work, "cache"), ignore_errors=True)
            first.append(run(command)[0])
        rows.append([f"a folder of {LISTED:,} logs, the first time", spread(first), "", ""])
        rows.append(["the same, the second time", spread([run(command)[0] for _ in range(rounds)]), "", ""])
    with applications(LISTED) as address:
        a = [run(f"curl -s --compressed {address}/api/v1/applications")[0] for _ in range(rounds)]
        b = [run(f"exec {quote(skewer)} apps {address} --format json")[0] for _ in range(rounds)]
        rows.append([f"a server's {LISTED:,} applications", spread(b), spread(a), spread([y - x for x, y in zip(a, b)])])
    table("Lists of applications", ["what", "`skewer apps`", "curl", "more than curl"], rows)


def start(skewer: str, logs: list[pathlib.Path], rounds: int) -> None:
    rows = [["`--version`, to its exit", spread([1000 * run(f"exec {quote(skewer)} --version")[0] for _ in range(rounds)], " ms", 1)]]
    useful = lambda frame: b"Where the time went" in frame  # noqa: E731
    for what, target in [("demo", ["demo"])] + [(log.stem, [str(log)]) for log in logs]:
        first, there = [], []
        for _ in range(rounds):
            terminal = Terminal([skewer, *target], 120, 40)
            got, seen = b"", 0.0
            while not (seen and useful(got)):
                got += terminal.read(60)
                seen = seen or (time.perf_counter() - terminal.started if END in got else 0.0)
            first.append(1000 * seen)
            there.append(1000 * (time.perf_counter() - terminal.started))
            terminal.end()
        rows.append([f"{what}: the first frame", spread(first, " ms", 1)])
        rows.append([f"{what}: where the time went is on the screen", spread(there, " ms", 1)])
    table("From exec", ["what", "time"], rows)


def run(command: str) -> tuple[float, float]:
    """Wall seconds, and the peak of resident memory in MB (10^6 bytes) of the command itself; its output goes to a pipe that is read."""
    begin = time.perf_counter()
    process = subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    while process.stdout.read(1 << 20):
        pass
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"status {process.returncode}: {command}")
    return seconds, usage.ru_maxrss * 1024 / 1e6


def quote(path) -> str:
    return shlex.quote(str(path))


def spread(values: list[float], unit: str = " s", digits: int = 2) -> str:
    form = lambda value: f"{value:.{digits}f}"  # noqa: E731
    return f"{form(statistics.median(values))}{unit} ({form(min(values))}–{form(max(values))})"


def table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    print(f"## {title}\n")
    print("| " + " | ".join(heads) + " |")
    print("|" + "---|" * len(heads))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


@contextlib.contextmanager
def folder_of(log: pathlib.Path):
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        os.symlink(log, pathlib.Path(folder, log.name))
        yield pathlib.Path(folder)


@contextlib.contextmanager
def applications(count: int):
    """A server of a list alone, as a history server answers it."""
    one = lambda n: {"id": f"app-20250101000000-{n:05}", "name": f"etl {n % 97}", "attempts": [{  # noqa: E731
        "startTime": "2025-01-01T00:00:00.000GMT", "endTime": "2025-01-01T01:00:00.000GMT", "lastUpdated": "2025-01-01T01:00:00.000GMT",
        "duration": 3_600_000, "sparkUser": "etl", "completed": True, "appSparkVersion": "3.5.1", "startTimeEpoch": 1_735_689_600_000 + n,
        "endTimeEpoch": 1_735_693_200_000 + n, "lastUpdatedEpoch": 1_735_693_200_000 + n}]}  # fmt: skip
    body = json.dumps([one(n) for n in range(count)]).encode()

    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answer = b'{"spark":"3.5.1"}' if self.path.startswith("/api/v1/version") else body
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


if __name__ == "__main__":
    main()
