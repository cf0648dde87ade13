"""A report a minute ago, one now, one in a minute: small jobs of two tasks each. The fault: eight slots are held for them.

`--healthy` has as much to do as it has slots.
"""

import sys
import time

from pyspark.sql import SparkSession

JOBS = 20


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("idle-executors").getOrCreate()
    sc = spark.sparkContext
    tasks = 16 if healthy else 2
    for _ in range(JOBS // (3 if healthy else 1)):
        sc.range(0, tasks, numSlices=tasks).map(lambda number: time.sleep(3) or number).sum()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
