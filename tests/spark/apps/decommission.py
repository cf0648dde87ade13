"""A node is taken away while others read what its executor wrote. The fault: nothing is handed on before it goes.

`--healthy` hands shuffle blocks on first.
"""

import os
import signal
import sys
import threading
import time

from pyspark.sql import SparkSession

import executors

PARTITIONS = 24


def main(healthy: bool) -> None:
    builder = SparkSession.builder.appName("decommission").config("spark.decommission.enabled", "true")
    for what in ["enabled", "shuffleBlocks.enabled", "rddBlocks.enabled"]:
        builder = builder.config(f"spark.storage.decommission.{what}", str(healthy).lower())
    spark = builder.getOrCreate()
    sc = spark.sparkContext
    counts = sc.range(0, 240, numSlices=PARTITIONS).map(spin).reduceByKey(int.__add__, PARTITIONS)
    counts.count()
    threading.Thread(target=take_away, args=(1.5,), daemon=True).start()
    counts.mapPartitions(slowly).count()
    spark.stop()


def spin(number: int) -> tuple[int, int]:
    time.sleep(0.06)
    return number % 60, number


def slowly(rows):
    time.sleep(0.8)
    return rows


def take_away(after: float) -> None:
    """What a cluster manager does on the node's warning: the executor is told to decommission itself."""
    time.sleep(after)
    os.kill(executors.find("1"), signal.SIGPWR)


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
