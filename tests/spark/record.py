"""Records the fixtures: runs the applications in apps/ on real Spark and keeps their event logs.

Usage: record.py SPARK_LINE [CASE…]     SPARK_LINE is 3.5 or 4; no CASE means all of them
Run it with the interpreter of that line's environment (setup.sh makes them). It writes tests/fixtures/logs and
brings tests/fixtures/corpus.json up to date. Spark 3.5 logs are single files, Spark 4 logs rolling directories.
"""

import contextlib
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
from cluster import standalone

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
LARGEST = 150_000  # bytes of one compressed fixture
LONGEST = 240  # seconds of one run

# case: (script, arguments, planted rule, twin)
CASES = {
    "skewed-join": ("skewed_join.py", [], "skewed-partition", "skewed-join-healthy"),
    "skewed-join-healthy": ("skewed_join.py", ["--healthy"], None, "skewed-join"),
    "big-collect": ("big_collect.py", [], "collect-to-driver", "big-collect-healthy"),
    "big-collect-healthy": ("big_collect.py", ["--healthy"], None, "big-collect"),
    "one-partition": ("one_partition.py", [], "too-few-tasks", "one-partition-healthy"),
    "one-partition-healthy": ("one_partition.py", ["--healthy"], None, "one-partition"),
    "many-small-files": ("small_files_read.py", [], "many-small-files", "many-small-files-healthy"),
    "many-small-files-healthy": ("small_files_read.py", ["--healthy"], None, "many-small-files"),
    "jdbc-single-partition": ("jdbc_single.py", [], "jdbc-single-partition", "jdbc-single-partition-healthy"),
    "jdbc-single-partition-healthy": ("jdbc_single.py", ["--healthy"], None, "jdbc-single-partition"),
    "python-udf": ("python_udf.py", [], "python-udf", "python-udf-healthy"),
    "python-udf-healthy": ("python_udf.py", ["--healthy"], None, "python-udf"),
    "row-format": ("row_format.py", [], "row-format", "row-format-healthy"),
    "row-format-healthy": ("row_format.py", ["--healthy"], None, "row-format"),
    "missed-broadcast": ("missed_broadcast.py", [], "missed-broadcast", "missed-broadcast-healthy"),
    "missed-broadcast-healthy": ("missed_broadcast.py", ["--healthy"], None, "missed-broadcast"),
    "large-broadcast": ("large_broadcast.py", [], "large-broadcast", "large-broadcast-healthy"),
    "large-broadcast-healthy": ("large_broadcast.py", ["--healthy"], None, "large-broadcast"),
    "full-scan": ("full_scan.py", [], "full-scan", "full-scan-healthy"),
    "full-scan-healthy": ("full_scan.py", ["--healthy"], None, "full-scan"),
    "small-files-written": ("small_files_written.py", [], "small-files-written", "small-files-written-healthy"),
    "small-files-written-healthy": ("small_files_written.py", ["--healthy"], None, "small-files-written"),
    "cartesian": ("cartesian.py", [], "cartesian", "cartesian-healthy"),
    "cartesian-healthy": ("cartesian.py", ["--healthy"], None, "cartesian"),
    "recomputed": ("recomputed.py", [], "recomputed", "recomputed-healthy"),
    "recomputed-healthy": ("recomputed.py", ["--healthy"], None, "recomputed"),
    "cache-evicted": ("cache_evicted.py", [], "cache-evicted", "cache-evicted-healthy"),
    "cache-evicted-healthy": ("cache_evicted.py", ["--healthy"], None, "cache-evicted"),
    "streaming-lag": ("streaming_lag.py", [], "streaming-lag", "streaming-lag-healthy"),
    "streaming-lag-healthy": ("streaming_lag.py", ["--healthy"], None, "streaming-lag"),
    "query-plans": ("query_plans.py", [], None, None),
    "query-plans-fixed": ("query_plans.py", ["--fixed"], None, None),
    "cached": ("cached.py", [], None, None),
    "streaming": ("streaming.py", [], None, None),
    "lost-executor": ("lost_executor.py", [], "lost-executors", "lost-executor-healthy"),
    "failed-job": ("failed_job.py", [], "failed-tasks", None),
    "failed-query": ("failed_query.py", [], "failed-query", "failed-query-healthy"),
    "failed-query-healthy": ("failed_query.py", ["--healthy"], None, "failed-query"),
    "in-progress": ("in_progress.py", [], "data-incomplete", None),
    "resources": ("resources.scala", [], None, None),
    "rolled": ("rolled.py", [], None, None),
    "lost-executor-healthy": ("lost_executor.py", ["--healthy"], None, "lost-executor"),
    "slow-host": ("slow_host.py", [], "slow-host", "slow-host-healthy"),
    "slow-host-healthy": ("slow_host.py", ["--healthy"], None, "slow-host"),
    "straggler": ("straggler.py", [], "straggler", "straggler-healthy"),
    "straggler-healthy": ("straggler.py", ["--healthy"], None, "straggler"),
    "spill": ("spill.py", [], "spill", "spill-healthy"),
    "spill-healthy": ("spill.py", ["--healthy"], None, "spill"),
    "driver-bound": ("driver_bound.py", [], "driver-bound", "driver-bound-healthy"),
    "driver-bound-healthy": ("driver_bound.py", ["--healthy"], None, "driver-bound"),
    "executor-oom": ("executor_oom.py", [], "executor-oom", "executor-oom-healthy"),
    "executor-oom-healthy": ("executor_oom.py", ["--healthy"], None, "executor-oom"),
    "max-result-size": ("max_result_size.py", [], "max-result-size", "max-result-size-healthy"),
    "max-result-size-healthy": ("max_result_size.py", ["--healthy"], None, "max-result-size"),
    "locality": ("locality.py", [], "locality", "locality-healthy"),
    "locality-healthy": ("locality.py", ["--healthy"], None, "locality"),
    "shuffle-wait": ("shuffle_wait.py", [], "shuffle-wait", "shuffle-wait-healthy"),
    "shuffle-wait-healthy": ("shuffle_wait.py", ["--healthy"], None, "shuffle-wait"),
    "speculation-waste": ("speculation_waste.py", [], "speculation-waste", "speculation-waste-healthy"),
    "speculation-waste-healthy": ("speculation_waste.py", ["--healthy"], None, "speculation-waste"),
    "slow-start": ("slow_start.py", [], "slow-start", "slow-start-healthy"),
    "slow-start-healthy": ("slow_start.py", ["--healthy"], None, "slow-start"),
    "idle-executors": ("idle_executors.py", [], "idle-executors", "idle-executors-healthy"),
    "idle-executors-healthy": ("idle_executors.py", ["--healthy"], None, "idle-executors"),
    "driver-memory": ("driver_memory.py", [], "driver-memory", "driver-memory-healthy"),
    "driver-memory-healthy": ("driver_memory.py", ["--healthy"], None, "driver-memory"),
    "decommission": ("decommission.py", [], "lost-executors", "decommission-healthy"),
    "decommission-healthy": ("decommission.py", ["--healthy"], None, "decommission"),
    "gc-pressure": ("gc_pressure.py", [], "gc-pressure", "gc-pressure-healthy"),
    "gc-pressure-healthy": ("gc_pressure.py", ["--healthy"], None, "gc-pressure"),
    "memory-headroom": ("big_heap.py", [], "memory-headroom", "memory-headroom-healthy"),
    "memory-headroom-healthy": ("big_heap.py", [], None, "memory-headroom"),
    "executor-sizing": ("sizing.py", [], "executor-sizing", "executor-sizing-healthy"),
    "executor-sizing-healthy": ("sizing.py", [], None, "executor-sizing"),
    "tiny-tasks": ("tiny_tasks.py", [], "tiny-tasks", "tiny-tasks-healthy"),
    "tiny-tasks-healthy": ("tiny_tasks.py", ["--healthy"], None, "tiny-tasks"),
    "aqe-off": ("aqe_off.py", [], "aqe-off", "aqe-off-healthy"),
    "aqe-off-healthy": ("aqe_off.py", ["--healthy"], None, "aqe-off"),
    "serializer": ("serializer.scala", [], "serializer", "serializer-healthy"),
    "serializer-healthy": ("serializer.scala", [], None, "serializer"),
}
# The twins of these are the same applications with the fault mended: what was promised is held against them.
FIXES = {
    "one-partition", "slow-host", "straggler", "driver-bound", "locality", "shuffle-wait", "speculation-waste",
    "slow-start", "decommission", "gc-pressure", "tiny-tasks", "many-small-files", "row-format",
    "missed-broadcast", "cartesian", "python-udf", "full-scan", "small-files-written", "large-broadcast", "recomputed",
    "cache-evicted", "jdbc-single-partition",
}  # fmt: skip
# Other rules that an application truly breaks: what is lost with an executor cannot be fetched; to have its skew, the skewed join
# switches broadcasts off; two others run one query again and again; waits for many
# small blocks take many small tasks; what the stream falls behind for is a Python function;
# what adaptive execution would merge are tiny tasks.
ALSO = {
    "lost-executor": ["fetch-failed"],
    "decommission": ["fetch-failed"],
    "skewed-join": ["missed-broadcast"],
    "skewed-join-healthy": ["missed-broadcast"],
    "slow-host": ["recomputed"],
    "slow-host-healthy": ["recomputed"],
    "memory-headroom": ["recomputed"],
    "memory-headroom-healthy": ["recomputed"],
    "shuffle-wait": ["tiny-tasks"],
    "shuffle-wait-healthy": ["tiny-tasks"],
    "streaming-lag": ["python-udf"],
    "aqe-off": ["tiny-tasks"],
}
# Settings of a case beside SETTINGS: where tasks wait rather than compute, more of them may share a core.
WAITING = {"spark.master": "local-cluster[2,2,1024]"}
# Where the heap is to be filled: nearly the least that Spark takes.
SMALL = {"spark.master": "local-cluster[2,1,512]", "spark.executor.memory": "512m"}
# The collector that a JVM takes by itself in a container of one core.
SERIAL = SMALL | {"spark.executor.extraJavaOptions": "-XX:+UseSerialGC"}
CASE_SETTINGS = {
    "resources": WAITING | {
        "spark.excludeOnFailure.enabled": "true",
        "spark.excludeOnFailure.application.enabled": "false",
        "spark.excludeOnFailure.task.maxTaskAttemptsPerNode": "4",
        "spark.excludeOnFailure.stage.maxFailedExecutorsPerNode": "4",
    },
    "straggler": WAITING,
    "straggler-healthy": WAITING,
    "slow-start": WAITING,
    "slow-start-healthy": WAITING,
    "decommission": WAITING,
    "decommission-healthy": WAITING,
    "idle-executors": {"spark.master": "local-cluster[4,2,512]", "spark.executor.memory": "512m"},
    "idle-executors-healthy": {"spark.master": "local-cluster[4,2,512]", "spark.executor.memory": "512m"},
    "spill": SMALL,
    "spill-healthy": SMALL,
    "cache-evicted": SMALL,
    "cache-evicted-healthy": SMALL,
    "gc-pressure": SERIAL,
    "gc-pressure-healthy": SERIAL,
    "driver-memory": {"spark.driver.memory": "700m"},
    "driver-memory-healthy": {"spark.driver.memory": "700m"},
    "memory-headroom": {"spark.master": "local-cluster[2,1,6144]", "spark.executor.memory": "6g"},
    "executor-sizing": {"spark.master": "local-cluster[1,8,2048]", "spark.executor.memory": "2g"},
    "executor-sizing-healthy": {"spark.master": "local-cluster[1,4,1024]"},
    "serializer-healthy": {"spark.serializer": "org.apache.spark.serializer.KryoSerializer"},
}
# Cases with hosts of their own (workers, cores and memory of each): a copy of a task goes to another host than the first.
HOSTS = dict.fromkeys(["speculation-waste", "speculation-waste-healthy"], (2, 2, "1g"))
ROLLED = {"rolled"}  # says something for rolling directories alone
UNJUDGED = {"resources"}  # for what can be in a log, whatever its times are
FAILS = {"failed-job", "failed-query", "executor-oom", "max-result-size"}
# Scripts that make their input first (`--prepare`), in an application of its own that is not recorded.
PREPARED = {"small_files_read.py", "jdbc_single.py", "row_format.py", "full_scan.py", "recomputed.py"}
# An embedded database belongs to one process: driver and executor are one there.
MASTERS = {"jdbc_single.py": "local[2]"}
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
            if case not in UNJUDGED:
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
    judged = {"fix": True} if case in FIXES else {}
    judged |= {"also": ALSO[case]} if case in ALSO else {}
    return judged | {
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
    } | CASE_SETTINGS.get(case, {})
    if script in MASTERS:
        settings["spark.master"] = MASTERS[script]
    if script in PREPARED:
        prepare(spark_home, script, work)
    with contextlib.ExitStack() as stack:
        if case in HOSTS:
            settings["spark.master"] = stack.enter_context(standalone(spark_home, work, *HOSTS[case]))
        submit(spark_home, line, case, work, settings)


def submit(spark_home: pathlib.Path, line: str, case: str, work: pathlib.Path, settings: dict) -> None:
    script, arguments, _, _ = CASES[case]
    shell = script.endswith(".scala")
    command = [str(spark_home / ("bin/spark-shell" if shell else "bin/spark-submit"))]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    command += [*(["-i"] if shell else []), str(work / "apps" / script), *arguments]
    with open(work / "output", "w") as output:
        process = subprocess.Popen(
            command, cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env=os.environ | {"SPARK_WORKER_DIR": str(work / "workers")},
        )  # fmt: skip
        share(process.pid)
        if case == KILLED:
            while sum(map(len, read(work / "logs", line))) < KILL_AFTER_LINES and process.poll() is None:
                time.sleep(0.5)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise SystemExit(f"{case} did not end within {LONGEST} s") from None
        if process.returncode != 0 and case not in FAILS:
            sys.stderr.write((work / "output").read_text()[-4000:])
            raise SystemExit(f"{case} ended with status {process.returncode}")


def share(process: int) -> None:
    """Gives the new session this one's priority: where the kernel schedules by session, that of its processes counts for nothing."""
    try:
        own = pathlib.Path("/proc/self/autogroup").read_text().split()[-1]
        pathlib.Path(f"/proc/{process}/autogroup").write_text(own)
    except OSError:
        pass  # no such groups here, or not allowed


def prepare(spark_home: pathlib.Path, script: str, work: pathlib.Path) -> None:
    """Makes a script's input."""
    quiet = ["--conf", "spark.master=local[2]", "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"]
    command = [str(spark_home / "bin/spark-submit"), *quiet, str(work / "apps" / script), "--prepare"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-4000:])
        raise SystemExit(f"{script} --prepare ended with status {done.returncode}")


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
