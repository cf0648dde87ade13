"""An application that takes its time, to be followed while it runs. Usage: long_running.py EVENT_LOG_FOLDER

Prints `UI <address>` when it can be asked, and `DONE` when its last job has ended; its driver answers for some seconds more. Some tasks of
its second job are skewed, so that there is something to be found.
"""

import pathlib
import sys
import time

from pyspark import SparkConf, SparkContext


def main(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.port": "0",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.resolve().as_uri(),
        "spark.eventLog.compress": "true",
        "spark.eventLog.rolling.enabled": "false",
        "spark.executor.heartbeatInterval": "1s",
    }
    configuration = SparkConf().setAppName("long-running").setMaster("local-cluster[2,1,1024]")
    context = SparkContext(conf=configuration.setAll(settings.items()))
    print("UI", context.uiWebUrl, flush=True)
    for turn in range(5):
        sleep = lambda n, turn=turn: time.sleep(5 if turn == 1 and n == 0 else 0.4)
        context.parallelize(range(8), 8).map(lambda n: (n % 2, sleep(n))).groupByKey(2).count()
        time.sleep(1)
    print("DONE", flush=True)
    time.sleep(6)
    context.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
