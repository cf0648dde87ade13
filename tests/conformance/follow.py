"""Follows a real application while it runs, over its driver's REST API and through its event log, to its end.

Usage: follow.py SKEWER FOLLOW SPARK_HOME     FOLLOW: the example of that name, built

Checks that jobs, stages and tasks advance and never go back, that a stage's tasks are there while it runs, that memory samples and findings
come, that the end is noticed, and that the last state equals what the finished event log says. The application goes on only when both
followers have seen what there is to see, so that a slow machine changes no answer. Its log is as that version of Spark writes by default:
one file as text, or a rolling one of zstd.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

APPLICATION = pathlib.Path(__file__).parent.parent / "spark" / "long_running.py"
TURNS = 5
# Seconds after which the application and whoever follows it is ended.
PATIENCE = 420
# Seconds to wait for one thing to be seen.
ONE_WAIT = 140


class Follower:
    """A process that follows, and what it has shown so far."""

    def __init__(self, name: str, command: list[str]):
        self.name = name
        self.states: list[dict] = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.watch = ended_after(self.process)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.states.append(json.loads(line))
        self.process.wait()
        self.watch.cancel()

    def wait(self, what: str, seen) -> str | None:
        """Waits for a state of which `seen` says yes; what is wrong otherwise."""
        begun = time.monotonic()
        at = 0
        while time.monotonic() - begun < ONE_WAIT:
            at, new = len(self.states), self.states[at:]
            if any(map(seen, new)):
                return None
            if not self.reader.is_alive() and at == len(self.states):
                break
            time.sleep(0.1)
        last = json.dumps(self.states[-1]) if self.states else "nothing"
        return f"{self.name}: never saw {what}; the last it saw: {last[:600]}"


def ended_after(process: subprocess.Popen) -> threading.Timer:
    watch = threading.Timer(PATIENCE, process.kill)
    watch.daemon = True
    watch.start()
    return watch


def main(skewer: str, follow: str, home: str) -> int:
    python = pathlib.Path(home).parents[3] / "bin" / "python"
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        logs, gates = pathlib.Path(work, "logs"), pathlib.Path(work, "gates")
        gates.mkdir()
        output = pathlib.Path(work, "output")
        with open(output, "w") as errors:
            application = subprocess.Popen(
                [python, APPLICATION, logs, gates], stdout=subprocess.PIPE, stderr=errors, text=True,
                env=os.environ | {"SPARK_WORKER_DIR": str(pathlib.Path(work, "workers"))},
            )
        watch = ended_after(application)
        followers = []
        try:
            address = next((line.split()[1] for line in application.stdout if line.startswith("UI ")), None)
            if address is None:
                raise SystemExit(f"the application did not start:\n{output.read_text()[-3000:]}")
            (log,) = logs.iterdir()
            followers = [Follower("driver", [follow, address, "1"]), Follower("log", [follow, str(log), "1"])]
            # What is compressed comes when a stage has ended.
            early = followers if log.is_file() and "zstd" not in log.name else followers[:1]
            for turn in range(TURNS):
                if turn == 1:
                    problems += met(early, "a stage with its tasks while it runs", runs_with_tasks)
                    (gates / "task").touch()
                problems += met(followers, f"job {turn} and its tasks at their end", lambda state: is_done(state, turn))
                (gates / f"turn-{turn}").touch()
            application.wait()
            for follower in followers:
                follower.reader.join()
        finally:
            watch.cancel()
            for process in (application, *(follower.process for follower in followers)):
                process.kill()
        whole = log.with_name(log.name.removesuffix(".inprogress"))
        exported = subprocess.run(
            [skewer, "export", str(whole), "--table", "stages", "--format", "json"], check=True, capture_output=True
        )
        expected = {
            f"{row['stageId']}.{row['attemptId']}": (row["status"], row["numCompleteTasks"]) for row in json.loads(exported.stdout)
        }
    for follower in followers:
        found = [f"{follower.name}: {problem}" for problem in wrong(follower.name, follower.states, expected)]
        tasks = ended(follower.states[-1]) if follower.states else 0
        print(f"{'FAIL' if found else 'ok  '} {follower.name}: {len(follower.states)} states, {tasks} tasks at its end")
        problems += found
    print("".join(f"     {problem}\n" for problem in problems), end="", flush=True)
    return 1 if problems else 0


def met(followers: list[Follower], what: str, seen) -> list[str]:
    return [problem for problem in (follower.wait(what, seen) for follower in followers) if problem]


def runs_with_tasks(state: dict) -> bool:
    return any(stage["status"] == "ACTIVE" and stage["complete"] and stage["rows"] for stage in state["stages"])


def is_done(state: dict, turn: int) -> bool:
    done = any((job["job"], job["status"]) == (turn, "SUCCEEDED") for job in state["jobs"])
    return done and all(stage["status"] != "COMPLETE" or stage["rows"] == stage["complete"] for stage in state["stages"])


def ended(state: dict) -> int:
    return sum(stage["complete"] for stage in state["stages"])


def wrong(name: str, states: list[dict], expected: dict):
    """What is not as it should be."""
    if not states:
        yield "nothing was shown"
        return
    counts = [ended(state) for state in states]
    if counts != sorted(counts):
        yield f"tasks went back: {counts}"
    if len(set(counts)) < TURNS:
        yield f"tasks hardly advanced: {counts}"
    first, last = states[0], states[-1]
    if not last["memorySamples"] > first["memorySamples"]:
        yield "memory was not sampled"
    if not any(state["shown"] == "current" and "straggler" in state["findings"] for state in states):
        yield f"the slow task was not found while the application ran: {last['findings']}"
    if last["shown"] != "ended":
        yield "its end was not noticed"
    if name == "driver" and not any("the application ended" in loss for loss in last["losses"]):
        yield f"its end was not told: {last['losses']}"
    if name == "log" and (last["status"] != "completed" or last["losses"]):
        yield f"{last['status']}, {last['losses']}"
    said = {stage["stage"]: (stage["status"], stage["complete"]) for stage in last["stages"]}
    if said != expected:
        yield f"{said} is not {expected}"
    for stage in last["stages"]:
        if stage["status"] == "COMPLETE" and stage["rows"] != stage["complete"]:
            yield f"stage {stage['stage']} has {stage['rows']} rows for {stage['complete']} tasks"


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
