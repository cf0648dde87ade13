"""Records the fixtures: runs the applications in apps/ on real Spark and keeps their event logs.

Usage: record.py SPARK_LINE [CASE…]     SPARK_LINE is 3.5 or 4; no CASE means all of them
Run it with the interpreter of that line's environment (setup.sh makes them). It writes tests/fixtures/logs and
brings tests/fixtures/corpus.json up to date. Spark 3.5 logs are single files, Spark 4 logs rolling directories.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pyspark
from pyspark.java_gateway import launch_gateway

from anonymise import Anonymiser, compress

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
LARGEST = 150_000  # bytes of one compressed fixture

# case: (script, arguments, planted rule, twin)
CASES = {
    "skewed-join": ("skewed_join.py", [], "skewed-partition", "skewed-join-healthy"),
    "skewed-join-healthy": ("skewed_join.py", ["--healthy"], None, "skewed-join"),
    "big-collect": ("big_collect.py", [], "collect-to-driver", "big-collect-healthy"),
    "big-collect-healthy": ("big_collect.py", ["--healthy"], None, "big-collect"),
    "one-partition": ("one_partition.py", [], "too-few-tasks", "one-partition-healthy"),
    "one-partition-healthy": ("one_partition.py", ["--healthy"], None, "one-partition"),
    "lost-executor": ("lost_executor.py", [], None, None),
    "failed-job": ("failed_job.py", [], None, None),
    "in-progress": ("in_progress.py", [], None, None),
    "rolled": ("rolled.py", [], None, None),
    "query-plans": ("query_plans.py", [], None, None),
    "query-plans-fixed": ("query_plans.py", ["--fixed"], None, None),
    "cached": ("cached.py", [], None, None),
    "streaming": ("streaming.py", [], None, None),
}
ROLLED = {"rolled"}  # says something for rolling directories alone
FAILS = {"failed-job"}
KILLED = "in-progress"
KILL_AFTER_LINES = 250

SETTINGS = {
    # Two slots on purpose: no more than a small machine has cores, so that tasks do not slow one another down.
    "spark.master": "local-cluster[2,1,1024]",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "true",
    "spark.eventLog.compression.codec": "zstd",
    "spark.eventLog.logStageExecutorMetrics": "true",
    "spark.executor.metrics.pollingInterval": "200ms",
    "spark.executor.processTreeMetrics.enabled": "true",
}


def main(line: str, cases: list[str]) -> None:
    spark_home = pathlib.Path(pyspark.__file__).resolve().parent
    (FIXTURES / "logs").mkdir(parents=True, exist_ok=True)
    os.environ["SPARK_HOME"] = str(spark_home)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    gateway = launch_gateway()
    try:
        for case in cases or [case for case in CASES if line != "3.5" or case not in ROLLED]:
            entry = record(gateway.jvm, spark_home, line, case)
            remember(entry)
    finally:
        gateway.shutdown()


def record(jvm, spark_home: pathlib.Path, line: str, case: str) -> dict:
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        work = pathlib.Path(folder)
        shutil.copytree(HERE / "apps", work / "apps")
        (work / "logs").mkdir()
        started = time.monotonic()
        run(spark_home, line, case, work)
        raw = read(work / "logs", line)
        java = java_home()
        anonymiser = Anonymiser(
            {
                str(work / "apps"): "/apps",
                str(work / "logs"): "/logs",
                str(work): "/data",
                str(spark_home): "/opt/spark",
                sys.prefix: "/opt/python",
                java: "/opt/java",
                os.path.realpath(java): "/opt/java",
            }
        )
        parts = [[anonymiser.line(text.decode()).encode() for text in part] for part in raw]
    path = write(jvm, parts, line, case)
    lines = [text for part in parts for text in part]
    size = sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
    print(f"{case}-{line}: {time.monotonic() - started:.0f} s, {len(lines)} events, {size} bytes", flush=True)
    if size > LARGEST:
        raise SystemExit(f"{path} has {size} bytes, more than {LARGEST}")
    events = [json.loads(text) for text in lines]
    application = next(event for event in events if event["Event"] == "SparkListenerApplicationStart")
    version = next(event for event in events if event["Event"] == "SparkListenerLogStart")["Spark Version"]
    _, _, planted, twin = CASES[case]
    return {
        "name": f"{case}-{line}",
        "path": str(path.relative_to(FIXTURES)),
        "sparkVersion": version,
        "appId": application["App ID"],
        "planted": planted,
        "twin": twin and f"{twin}-{line}",
    }


def run(spark_home: pathlib.Path, line: str, case: str, work: pathlib.Path) -> None:
    script, arguments, _, _ = CASES[case]
    settings = SETTINGS | {
        "spark.eventLog.dir": (work / "logs").as_uri(),
        "spark.eventLog.rolling.enabled": str(line != "3.5").lower(),
        "spark.eventLog.rolling.maxFileSize": "10m",  # the least that Spark allows
        "spark.sql.warehouse.dir": (work / "warehouse").as_uri(),
    }
    command = [str(spark_home / "bin/spark-submit")]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    command += [str(work / "apps" / script), *arguments]
    with open(work / "output", "w") as output:
        process = subprocess.Popen(
            command, cwd=work, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env=os.environ | {"SPARK_WORKER_DIR": str(work / "workers")},
        )  # fmt: skip
        if case == KILLED:
            while sum(map(len, read(work / "logs", line))) < KILL_AFTER_LINES and process.poll() is None:
                time.sleep(0.5)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return
        if process.wait() != 0 and case not in FAILS:
            sys.stderr.write((work / "output").read_text()[-4000:])
            raise SystemExit(f"{case} ended with status {process.returncode}")


def read(logs: pathlib.Path, line: str) -> list[list[bytes]]:
    """The whole lines written so far, file by file. A half frame at the end is normal while the application runs."""
    files = logs.glob("eventlog_v2_*/events_*") if line != "3.5" else logs.glob("[!.]*")
    parts = []
    for file in sorted(files, key=index):
        text = subprocess.run(["zstd", "-dcq", "--format=zstd", file], capture_output=True, check=False).stdout
        parts.append([text for text in text.splitlines(keepends=True) if text.endswith(b"\n")])
    return parts


def index(file: pathlib.Path) -> int:
    """N of `events_N_…`."""
    return int(file.name.split("_")[1]) if file.name.startswith("events_") else 0


def write(jvm, parts: list[list[bytes]], line: str, case: str) -> pathlib.Path:
    running = ".inprogress" if case == KILLED else ""
    name = f"{case}-{line}"
    if line == "3.5":
        path = FIXTURES / "logs" / f"{name}.zstd{running}"
        compress(jvm, parts[0], path, cut=bool(running))
        return path
    path = FIXTURES / "logs" / f"eventlog_v2_{name}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    (path / f"appstatus_{name}{running}").touch()
    for at, lines in enumerate(parts, 1):
        compress(jvm, lines, path / f"events_{at}_{name}.zstd", cut=bool(running) and at == len(parts))
    return path


def java_home() -> str:
    settings = subprocess.run(["java", "-XshowSettings:properties", "-version"], capture_output=True, text=True).stderr
    return next(text.split("=", 1)[1].strip() for text in settings.splitlines() if " java.home =" in text)


def remember(entry: dict) -> None:
    manifest = FIXTURES / "corpus.json"
    entries = json.loads(manifest.read_text()) if manifest.exists() else []
    entries = sorted([old for old in entries if old["name"] != entry["name"]] + [entry], key=lambda one: one["name"])
    manifest.write_text(json.dumps(entries, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
