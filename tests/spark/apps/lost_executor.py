"""An executor dies while others read what it wrote: failed tasks, fetch failures, a second attempt of two stages.

`--healthy` lets it live.
"""

import os
import pathlib
import signal
import sys
import tempfile
import time

from pyspark.sql import SparkSession

PARTITIONS = 12


def spin(number: int) -> tuple[int, int]:
    value = number
    for step in range(400):
        value = (value * 1_103_515_245 + step) % 2_147_483_647
    return number % 200, value


def die_once(index: int, rows, marker: pathlib.Path):
    """Kills this task's executor (the parent of the worker's parent) the first time it runs."""
    if index == 5 and not marker.exists():
        marker.touch()
        with open(f"/proc/{os.getppid()}/stat") as stat:
            executor = int(stat.read().rsplit(")", 1)[1].split()[1])
        os.kill(executor, signal.SIGKILL)
        time.sleep(30)
    yield from (key for key, values in rows for value in values if value % 3 == 0)


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("lost-executor").getOrCreate()
    sc = spark.sparkContext
    pairs = sc.range(0, 120_000, numSlices=PARTITIONS).map(spin).groupByKey(PARTITIONS)
    with tempfile.TemporaryDirectory() as folder:
        marker = pathlib.Path(folder, "died")
        if healthy:
            marker.touch()
        pairs.mapPartitionsWithIndex(lambda index, rows: die_once(index, rows, marker)).countByValue()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
