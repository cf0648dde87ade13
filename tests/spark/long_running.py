"""An application that takes its time, to be followed while it runs. Usage: long_running.py EVENT_LOG_FOLDER [GATES]

Prints `UI <address>` when it can be asked, and `DONE` when its last job has ended. Of its second job one task is slow for no reason, so that
there is something to be found. It writes its log as its version of Spark does by default, but for a small buffer: Spark hands on what is
in it only when a stage or a job ends, and a log that is compressed shows no more even so.

With a folder GATES it goes on where it otherwise would after some seconds: the slow task when a file `task` is there, the driver behind job
N when `turn-N` is. Without one its driver answers for some seconds more behind the last job.
"""

import os
import pathlib
import sys
import time

from pyspark import SparkConf, SparkContext

TURNS = 5
LONGEST_WAIT = 150


def main(folder: pathlib.Path, gates: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.port": "0",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.resolve().as_uri(),
        "spark.eventLog.buffer.kb": "1",
        "spark.executor.heartbeatInterval": "1s",
    }

    def wait(gate: str, seconds: float) -> None:
        time.sleep(seconds)
        begun = time.monotonic()
        while gates and not os.path.exists(os.path.join(gates, gate)) and time.monotonic() - begun < LONGEST_WAIT:
            time.sleep(0.1)

    def work(turn: int, n: int) -> None:
        time.sleep(0.4)
        if (turn, n) == (1, 7):
            wait("task", 8)

    configuration = SparkConf().setAppName("long-running").setMaster("local-cluster[2,1,1024]")
    context = SparkContext(conf=configuration.setAll(settings.items()))
    print("UI", context.uiWebUrl, flush=True)
    for turn in range(TURNS):
        rows = context.parallelize(range(8), 8).map(lambda n: (n, n)).groupByKey(8)
        rows.foreach(lambda row, turn=turn: work(turn, row[0]))
        wait(f"turn-{turn}", 1)
    print("DONE", flush=True)
    if not gates:
        time.sleep(6)
    context.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
