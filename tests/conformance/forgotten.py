"""Whether skewer notices what a real history server forgot.

Usage: forgotten.py SKEWER SPARK_HOME LOGS_DIR

Starts Spark's history server over LOGS_DIR with limits far below what the applications have, reads two of them over REST, and holds what
skewer says of the losses against what the event logs hold. Exit status 1 where it says anything else.
"""

import json
import pathlib
import subprocess
import sys

from history_server import history_server

LIMITS = {
    "spark.ui.retainedTasks": 10,
    "spark.ui.retainedStages": 3,
    "spark.ui.retainedJobs": 1,
    "spark.ui.retainedDeadExecutors": 0,
}
# A part of the log's name, and the settings whose losses must be told of it.
CASES = {
    "skewed-join-3.5": ["spark.ui.retainedTasks", "spark.ui.retainedStages", "spark.ui.retainedJobs"],
    "lost-executor-3.5": ["spark.ui.retainedDeadExecutors"],
}


def main(skewer: str, spark_home: pathlib.Path, logs: pathlib.Path) -> int:
    failed = 0
    listed = sum(1 for path in logs.iterdir() if not path.name.startswith("."))
    with history_server(spark_home, logs, listed, LIMITS) as address:
        for name, settings in CASES.items():
            log = next(path for path in logs.iterdir() if name in path.name)
            whole = run(skewer, "report", log, "--format", "json")
            app = whole["application"]["id"]
            kept = run(skewer, "report", address, "--app", app, "--source", "rest", "--format", "json")
            told = [loss["detail"] for loss in kept["losses"]]
            for setting in settings:
                found = [detail for detail in told if setting in detail]
                failed += not found
                print(f"{'ok  ' if found else 'FAIL'} {name}: {found[0] if found else f'nothing of {setting} among {told}'}")
            finding = next((found for found in kept["findings"] if found["rule"] == "data-incomplete"), None)
            advised = [key for advice in finding["advice"] for key in advice["config"]] if finding else []
            missing = [setting for setting in settings if setting not in advised]
            failed += bool(missing)
            print(f"{'FAIL' if missing else 'ok  '} {name}: data-incomplete advises {', '.join(advised)}")
            # Nothing may be told of a log that is whole.
            extra = [loss["detail"] for loss in whole["losses"]]
            failed += bool(extra)
            if extra:
                print(f"FAIL {name}: the log is whole, but {extra}")
    return int(failed > 0)


def run(*command) -> dict:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"{command}: status {done.returncode}: {done.stderr.strip()[-400:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()))
