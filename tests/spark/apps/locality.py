"""Queries over a cached table. The fault: a second executor came after the caching, and every task waits ten seconds for a slot
where its partition is before it may run there.

`--healthy` does not wait.
"""

import sys
import time

from pyspark.sql import SparkSession

READINGS = 64_000
PARTITIONS = 16
QUERIES = 2


def main(healthy: bool) -> None:
    spark = (
        SparkSession.builder.appName("locality")
        .config("spark.locality.wait", "0" if healthy else "10s")
        .config("spark.dynamicAllocation.enabled", "true")
        .config("spark.dynamicAllocation.shuffleTracking.enabled", "true")
        .config("spark.dynamicAllocation.initialExecutors", "1")
        .config("spark.dynamicAllocation.minExecutors", "1")
        .config("spark.dynamicAllocation.maxExecutors", "2")
        .config("spark.dynamicAllocation.schedulerBacklogTimeout", "4s")
        .getOrCreate()
    )
    sc = spark.sparkContext
    readings = sc.range(0, READINGS, numSlices=PARTITIONS).map(lambda number: number % 997).cache()
    readings.count()
    grow(sc)
    for query in range(QUERIES):
        readings.mapPartitions(lambda rows: ask(rows, query)).sum()
    spark.stop()


def ask(rows, query: int):
    """A query's lookups in a service that takes its time."""
    time.sleep(0.8)
    return (row % (query + 2) for row in rows)


def grow(sc) -> None:
    """Tasks that wait for a slot so long that a second executor is asked for, and comes."""
    sc.range(0, 3, numSlices=3).map(lambda number: time.sleep(5) or number).count()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
