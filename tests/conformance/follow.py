"""Follows a real application while it runs, over its driver's REST API and through its event log, to its end.

Usage: follow.py SKEWER FOLLOW SPARK_HOME     FOLLOW: the example of that name, built

Checks that jobs, stages and tasks advance and never go back, that memory samples come, that the end is noticed, and that the last state
equals what the finished event log says.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import threading

APPLICATION = pathlib.Path(__file__).parent.parent / "spark" / "long_running.py"
PATIENCE = 240


def main(skewer: str, follow: str, home: str) -> int:
    python = pathlib.Path(home).parents[3] / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        application = subprocess.Popen(
            [python, APPLICATION, folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        watch = threading.Timer(PATIENCE, application.kill)
        watch.start()
        try:
            address = next(line.split()[1] for line in application.stdout if line.startswith("UI "))
            (log,) = pathlib.Path(folder).glob("*.inprogress")
            driver = subprocess.Popen([follow, address, "1"], stdout=subprocess.PIPE, text=True)
            file = subprocess.Popen([follow, str(log), "1"], stdout=subprocess.PIPE, text=True)
            for process in (driver, file):
                threading.Timer(PATIENCE, process.kill).start()
            output = {}
            readers = [
                threading.Thread(target=lambda name=name, process=process: output.update({name: process.communicate()[0]}))
                for name, process in (("driver", driver), ("log", file))
            ]
            for reader in readers:
                reader.start()
            application.wait()
            for reader in readers:
                reader.join()
        finally:
            watch.cancel()
            application.kill()
        whole = pathlib.Path(str(log).removesuffix(".inprogress"))
        exported = subprocess.run(
            [skewer, "export", str(whole), "--table", "stages", "--format", "json"], check=True, capture_output=True
        )
        expected = {
            f"{row['stageId']}.{row['attemptId']}": (row["status"], row["numCompleteTasks"]) for row in json.loads(exported.stdout)
        }
    problems = []
    for name, text in output.items():
        states = [json.loads(line) for line in text.splitlines()]
        problems += [f"{name}: {problem}" for problem in wrong(name, states, expected)]
        print(f"  {name}: {len(states)} states, {ended(states[-1]) if states else 0} tasks, {len(problems)} problems")
    print("\n".join(problems))
    return 1 if problems else 0


def ended(state: dict) -> int:
    return sum(stage["complete"] for stage in state["stages"])


def wrong(name: str, states: list[dict], expected: dict):
    """What is not as it should be."""
    if len(states) < 5:
        yield f"only {len(states)} states were shown"
        return
    counts = [ended(state) for state in states]
    if counts != sorted(counts):
        yield f"tasks went back: {counts}"
    if len(set(counts)) < 5:
        yield f"tasks hardly advanced: {counts}"
    if not any(stage["status"] == "ACTIVE" and 0 < stage["rows"] for state in states for stage in state["stages"]):
        yield "no stage was seen with its tasks while it ran"
    first, last = states[0], states[-1]
    if name == "driver" and not last["memorySamples"] > first["memorySamples"]:
        yield "memory was not sampled"
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
