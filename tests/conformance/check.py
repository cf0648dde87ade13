"""Holds skewer against Spark's own history server.

Usage: check.py SKEWER SPARK_HOME LOGS_DIR [NAME…]     NAME picks logs by a part of their file name

Skewer lists the server's applications as the server does. For every event log in LOGS_DIR: every field that the server answers for jobs, stages,
task summaries, tasks and executors is in `skewer export` of the file with the same value; the report is the same from
the file, through `…/logs` and through REST. Exit status 1 on any difference.
"""

import json
import pathlib
import re
import subprocess
import sys
import urllib.error

import compare
from compare import Excuse, nothing
from history_server import get, history_server

QUANTILES = [0, 0.25, 0.5, 0.75, 0.95, 1]
ALL_TASKS = 2_000_000
SHOWN = 40  # differences printed for one log


def is_running(task: dict) -> bool:
    return task["status"] == "RUNNING"


def is_driver(executor: dict) -> bool:
    return executor["id"] == "driver"


def no_metrics(task: dict) -> bool:
    """Whether none were recorded: the server then answers zeros, which no task that ran has throughout."""
    return is_running(task) or nothing(task.get("taskMetrics", {}))


def some_resubmitted(executor: dict) -> bool:
    """Whether tasks of it count as completed and, since their output was lost, as failed."""
    return executor["completedTasks"] + executor["failedTasks"] > executor["totalTasks"]


def no_peaks(executor: dict) -> bool:
    return nothing(executor.get("peakMemoryMetrics", {}))


def no_task_ended(stage: dict) -> bool:
    return stage["numCompleteTasks"] + stage["numFailedTasks"] + stage["numKilledTasks"] == 0


REFERENCES = "names of log pages and of resources on machines that are gone; skewer keeps none"
NOT_RECORDED = "the server answers 0 or an empty text for what was not recorded; skewer says nothing"
PER_STAGE = "the server tells it of a stage's executors one by one: compared as `exclusions`"
IN_USE = "memory in use at the moment of asking; skewer keeps the sum, `memoryUsed`"
AGAIN = "says in other words what another field says"
OF_SERVER = "tells of the server's own files, or of the driver's process"
RUNNING = "the server answers its own clock, or a date in 1969"
# Fields that the server answers and skewer does not print, or prints otherwise, each with its reason.
EXCUSES = [
    Excuse("applications.*", NOT_RECORDED),
    Excuse("applications.startTimeEpoch", AGAIN),
    Excuse("applications.endTimeEpoch", AGAIN),
    Excuse("applications.lastUpdatedEpoch", AGAIN),
    Excuse("applications.exitCode", OF_SERVER),
    Excuse("applications.logSourceName", OF_SERVER),
    Excuse("applications.logSourceFullPath", OF_SERVER),
    Excuse("applications.endTime", RUNNING, lambda attempt: not attempt["completed"]),
    Excuse("applications.duration", RUNNING, lambda attempt: not attempt["completed"]),
    Excuse("applications.lastUpdated", RUNNING, lambda attempt: not attempt["completed"]),
    Excuse("sql.duration", RUNNING, lambda execution: execution["status"] == "RUNNING"),
    Excuse("sql.errorMessage", NOT_RECORDED, lambda execution: not execution.get("errorMessage")),
    Excuse("storage.evictedBlocks", "the server does not count them"),
    Excuse("stages.excludedExecutors", PER_STAGE),
    Excuse("tasks.accumulatorUpdates", "what a single task added to the user's accumulators is not in the model; their stages' values are"),
    Excuse("stages.*", NOT_RECORDED, no_task_ended),
    Excuse("tasks.executorLogs", REFERENCES),
    Excuse("tasks.duration", "of a running task it is the time until the moment of asking", is_running),
    Excuse("tasks.taskMetrics", NOT_RECORDED, no_metrics),
    Excuse("tasks.schedulerDelay", NOT_RECORDED, no_metrics),
    Excuse("tasks.gettingResultTime", NOT_RECORDED, no_metrics),
    Excuse("executors.*", NOT_RECORDED, is_driver),
    Excuse("executors.executorLogs", REFERENCES),
    Excuse("executors.attributes", REFERENCES),
    Excuse("executors.resources", REFERENCES),
    Excuse("processes.processLogs", REFERENCES),
    Excuse("profiles.*", NOT_RECORDED),
    Excuse("executors.memoryMetrics.usedOnHeapStorageMemory", IN_USE),
    Excuse("executors.memoryMetrics.usedOffHeapStorageMemory", IN_USE),
]
# For a server before 3.5, which knows no tags, and one that counts below nothing.
BEFORE_3_5 = [Excuse("jobs.jobTags", "tags came with Spark 3.5")]
EXCUSES += [
    Excuse("jobs.numActiveStages", "Spark 3.3 counts stages down that it did not count up", lambda job: job["numActiveStages"] < 0)
]
# For an application that has not ended.
UNENDED = [
    Excuse("executors.totalDuration", "of the driver it is the time until the moment of asking", is_driver),
]
# For a server before 4.3, which does not tell what skewer finds in the log.
NOT_TOLD = "Spark 4.3's server tells it, this one does not"
BEFORE_4_3 = [
    Excuse(field, NOT_TOLD)
    for field in ("sql.queryId", "sql.errorMessage", "sql.rootExecutionId", "sql.modifiedConfigs", "sql-nodes.desc")
]
BEFORE_4_3 += [
    Excuse("executors.totalDuration", "before Spark 4.3 a task that was resubmitted counts twice", some_resubmitted)
]
# For a server of another version than the one that wrote the log.
ONLY_NEWER = "Spark 4.3 records it; a newer server answers 0 for an older log, an older server drops it"
NO_PEAK = "the server replaces the driver's sum by a peak that the log does not have, and answers 0"
OTHER_VERSION = [Excuse(f"{table}.*", NOT_RECORDED) for table in ("stages", "tasks", "task-summary", "executors")]
OTHER_VERSION += [Excuse("executors.totalGCTime", NO_PEAK, lambda executor: is_driver(executor) and no_peaks(executor))]
OTHER_VERSION += [
    Excuse(f"{peaks}.{metric}", ONLY_NEWER)
    for peaks in ("stages.peakExecutorMetrics", "executors.peakMemoryMetrics")
    for metric in ("ConcurrentGCCount", "ConcurrentGCTime")
]


def main(skewer: str, spark_home: pathlib.Path, logs: pathlib.Path, wanted: list[str]) -> int:
    found = [path for path in sorted(logs.iterdir()) if is_log(path)]
    chosen = [path for path in found if not wanted or any(part in path.name for part in wanted)]
    total = compare.Tally()
    failed = 0
    with history_server(spark_home, logs, len(found)) as address:
        version = get(address, "version")["spark"]
        print(f"== {len(chosen)} event logs against the history server of Spark {version}", flush=True)
        listed = applications(skewer, address)
        show("the list of applications", listed)
        total.add(listed)
        for path in chosen:
            tally = check(skewer, address, version, path)
            failed += tally.bad
            show(path.name, tally)
            total.add(tally)
    print(f"== {total.compared} values compared, {len(total.different)} differ, {len(total.missing)} fields missing, "
          f"{len(chosen) - failed} of {len(chosen)} logs agree", flush=True)  # fmt: skip
    return int(total.bad)


def show(name: str, tally: compare.Tally) -> None:
    print(f"{'FAIL' if tally.bad else 'ok  '} {name}: {tally.compared} values compared, "
          f"{len(tally.different)} differ, {len(tally.missing)} fields missing", flush=True)  # fmt: skip
    for line in tally.different[:SHOWN]:
        print(f"     {one_line(line)}")
    if len(tally.different) > SHOWN:
        print(f"     … and {len(tally.different) - SHOWN} more")
    for field, count in sorted(tally.missing.items()):
        print(f"     missing: {one_line(field)} ({count} times)")


def applications(skewer: str, address: str) -> compare.Tally:
    try:
        ours = attempts(run(skewer, "apps", address, "--format", "json"))
    except Failure as failure:
        return compare.Tally(different=[str(failure)])
    return compare.rows("applications", ours, attempts(get(address, "applications")), ("id", "attemptId"), EXCUSES)


def attempts(listed: list[dict]) -> list[dict]:
    """A row for each attempt of an application."""
    return [{"id": row["id"], "name": row["name"], **attempt} for row in listed for attempt in row["attempts"]]


def check(skewer: str, address: str, version: str, path: pathlib.Path) -> compare.Tally:
    tally = compare.Tally()
    try:
        report = run(skewer, "report", str(path), "--format", "json")
        app, attempt = report["application"]["id"], report["application"].get("attempt")
        base = f"applications/{app}/{attempt}" if attempt else f"applications/{app}"
        told = attempts([get(address, f"applications/{app}")])
        unended = not next(one for one in told if one.get("attemptId") == attempt)["completed"]
        written_by = report["application"].get("sparkVersion")
        excuses = EXCUSES + (BEFORE_4_3 if release(version) < (4, 3) else []) + (BEFORE_3_5 if release(version) < (3, 5) else []) + (UNENDED if unended else []) + (OTHER_VERSION if written_by != version else [])
        parts = [jobs, stages, exclusions, summaries, tasks, executors, processes, profiles, storage]
        # A plan of a newer Spark has nodes that an older server draws in its own way (Spark 4's `ResultQueryStage`).
        if release(written_by or "0") <= release(version):
            parts.append(sql)
        for part in parts:
            tally.add(part(skewer, path, address, base, excuses))
        pick = ["--app", app, *(["--attempt", attempt] if attempt else []), "--format", "json"]
        for what, extra in (("through …/logs", []), ("through REST", ["--source", "rest"])):
            other = run(skewer, "report", address, *pick, *extra)
            want = "rest" if extra else "log"
            if other.get("source") != want:
                tally.different.append(f"report {what}: source is {other.get('source')!r}, not {want!r}")
            tally.add(compare.reports(report, other, f"report {what}", silent(version) if extra else ()))
    except Failure as failure:
        tally.different.append(str(failure))
    return tally


def silent(version: str) -> tuple[str, ...]:
    """Rules that find nothing over REST: it has no streaming queries, and before Spark 4.3 not why a SQL execution failed."""
    return ("streaming-lag",) if release(version) >= (4, 3) else ("streaming-lag", "failed-query")


def release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def jobs(skewer, path, address, base, excuses):
    return compare.rows("jobs", export(skewer, path, "jobs"), get(address, f"{base}/jobs"), ("jobId",), excuses)


def stages(skewer, path, address, base, excuses):
    theirs = get(address, f"{base}/stages?details=false")
    return compare.rows("stages", export(skewer, path, "stages"), theirs, ("stageId", "attemptId"), excuses)


def exclusions(skewer, path, address, base, excuses):
    """The executors that were excluded for a stage; a stage without failures has none."""
    ours, theirs = [], []
    for row in export(skewer, path, "stages"):
        if row["numFailedTasks"]:
            key = {name: row[name] for name in ("stageId", "attemptId")}
            one = get(address, f"{base}/stages/{row['stageId']}/{row['attemptId']}?details=true")
            summary = one.get("executorSummary") or {}
            excluded = [id for id, of in summary.items() if of.get("isExcludedForStage", of.get("isBlacklistedForStage"))]
            ours.append(key | {"excludedExecutors": sorted(row.get("excludedExecutors", []))})
            theirs.append(key | {"excludedExecutors": sorted(excluded)})
    return compare.rows("exclusions", ours, theirs, ("stageId", "attemptId"), excuses)


def processes(skewer, path, address, base, excuses):
    theirs = get(address, f"{base}/allmiscellaneousprocess")
    return compare.rows("processes", export(skewer, path, "processes"), theirs, ("id",), excuses)


def profiles(skewer, path, address, base, excuses):
    ours = export(skewer, path, "environment")["resourceProfiles"]
    theirs = get(address, f"{base}/environment").get("resourceProfiles", [])
    return compare.rows("profiles", ours, theirs, ("id",), excuses)


def summaries(skewer, path, address, base, excuses):
    theirs = []
    for stage, at in stage_attempts(address, base):
        try:
            summary = get(address, f"{at}/taskSummary?quantiles={','.join(map(str, QUANTILES))}")
        except urllib.error.HTTPError as error:
            if error.code != 404:  # 404: no successful task in this stage
                raise
            continue
        if stage["numCompleteTasks"] != len(task_list(address, at)):
            summary |= of_successful(summary, task_list(address, at))
        theirs.append(summary | {"stageId": stage["stageId"], "attemptId": stage["attemptId"]})
    ours = export(skewer, path, "task-summary")
    return compare.rows("task-summary", ours, theirs, ("stageId", "attemptId"), excuses)


def of_successful(summary: dict, tasks: list[dict]) -> dict:
    """Three distributions, mended: the server counts the successful tasks, but then reads that many values from the
    low end of all tasks (`AppStatusStore.taskSummary`; these three indices alone hold unsuccessful tasks too).
    """
    mended = {}
    for field in ("duration", "schedulerDelay", "gettingResultTime"):
        values = sorted(task[field] for task in tasks if task["status"] == "SUCCESS")
        mended[field] = [float(values[min(int(q * len(values)), len(values) - 1)]) for q in summary["quantiles"]]
    return mended


def tasks(skewer, path, address, base, excuses):
    theirs = []
    for stage, at in stage_attempts(address, base):
        for task in task_list(address, at):
            theirs.append(task | {"stageId": stage["stageId"], "stageAttemptId": stage["attemptId"]})
    key = ("stageId", "stageAttemptId", "taskId")
    return compare.rows("tasks", export(skewer, path, "tasks"), theirs, key, excuses)


def stage_attempts(address: str, base: str) -> list[tuple[dict, str]]:
    """Every stage attempt with the path of its own endpoints."""
    answer = get(address, f"{base}/stages?details=false")
    return [(stage, f"{base}/stages/{stage['stageId']}/{stage['attemptId']}") for stage in answer]


def task_list(address: str, stage: str) -> list[dict]:
    return get(address, f"{stage}/taskList?offset=0&length={ALL_TASKS}")


def executors(skewer, path, address, base, excuses):
    theirs = get(address, f"{base}/allexecutors")
    return compare.rows("executors", export(skewer, path, "executors"), theirs, ("id",), excuses)


def sql(skewer, path, address, base, excuses):
    # All of them, under the old default of 20 and the new one of all alike.
    theirs = get(address, f"{base}/sql?details=true&planDescription=true&offset=0&length={2**31 - 1}")
    for execution in theirs:
        # One node without a name: the server's word for a query that could not be planned. To skewer it has no plan.
        if [node["nodeName"] for node in execution["nodes"]] == [""]:
            del execution["nodes"], execution["edges"]
    ours = export(skewer, path, "sql")
    tally = compare.rows("sql", whole(ours), whole(theirs), ("id",), excuses)
    tally.add(compare.rows("sql-nodes", nodes(ours), nodes(theirs), ("id", "nodeId"), excuses))
    return tally


def storage(skewer, path, address, base, excuses):
    theirs = get(address, f"{base}/storage/rdd")
    # The server lists those of which blocks are kept; skewer those that were given up too.
    ours = export(skewer, path, "storage")
    ours = [row for row in ours if row.get("numCachedPartitions") and not row.get("unpersisted")]
    tally = compare.rows("storage", in_order(ours), in_order(theirs), ("id",), excuses)
    for rdd in theirs:
        one = get(address, f"{base}/storage/rdd/{rdd['id']}")
        mine = [row for row in ours if row["id"] == one["id"]]
        tally.add(compare.rows("storage", in_order(mine), in_order([one]), ("id",), excuses))
    return tally


def in_order(rdds: list[dict]) -> list[dict]:
    """Cached RDDs with their blocks and executors in order, as the server lists them in that of its maps; and without the
    parts of an executor's memory on and off the heap, of which skewer keeps the sum.
    """
    rows = []
    for rdd in rdds:
        places = rdd.get("dataDistribution", [])
        on = [{name: value for name, value in place.items() if "HeapMemory" not in name} for place in places]
        kept = [block | {"executors": sorted(block["executors"])} for block in rdd.get("partitions", [])]
        kept.sort(key=lambda block: block["blockName"])
        on.sort(key=lambda place: place["address"])
        rows.append(rdd | {"dataDistribution": on, "partitions": kept})
    return rows


def whole(executions: list[dict]) -> list[dict]:
    """The executions without their nodes; edges as pairs."""
    rows = []
    for execution in executions:
        row = {name: value for name, value in execution.items() if name != "nodes"}
        if "edges" in row:
            row["edges"] = [[edge["fromId"], edge["toId"]] for edge in row["edges"]]
        rows.append(row)
    return rows


def nodes(executions: list[dict]) -> list[dict]:
    return [node | {"id": execution["id"]} for execution in executions for node in execution.get("nodes", [])]


def export(skewer: str, path: pathlib.Path, table: str) -> list[dict]:
    return run(skewer, "export", str(path), "--table", table, "--format", "json")


class Failure(Exception):
    """A command of skewer's that did not do its work."""


def run(*command: str):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    name = " ".join([pathlib.Path(command[0]).name, *command[1:]])
    if done.returncode != 0:
        raise Failure(f"`{name}` ended with status {done.returncode}: {done.stderr.strip()[-400:]}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Failure(f"`{name}` printed no JSON: {error}") from error


def one_line(text: str) -> str:
    line = text.replace("\n", "\\n")
    return line if len(line) <= 300 else f"{line[:200]} … {line[-99:]}"


def is_log(path: pathlib.Path) -> bool:
    if path.is_dir():
        return path.name.startswith("eventlog_v2_")
    return not path.name.startswith(".") and not re.search(r"\.(md|json|txt)$", path.name)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve(), sys.argv[4:]))
