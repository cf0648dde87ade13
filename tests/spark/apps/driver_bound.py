"""Repeated thresholds counted region after region. The fault: between its jobs the driver looks every one up in a list of those
before, which takes longer with each.

`--healthy` looks them up in a set.
"""

import hashlib
import sys

from pyspark.sql import SparkSession

REGIONS = 6
READINGS = 20_000
PARTITIONS = 8


def threshold(reading: int) -> int:
    digest = str(reading).encode()
    for _ in range(40):
        digest = hashlib.sha512(digest).digest()
    return int.from_bytes(digest[:4], "big")


def repeated(thresholds: list[int], healthy: bool) -> int:
    seen = set() if healthy else []
    for number in thresholds:
        if number not in seen:
            seen.add(number) if healthy else seen.append(number)
    return len(thresholds) - len(seen)


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("driver-bound").getOrCreate()
    sc = spark.sparkContext
    # Warm-up: the first task of each executor slot starts a Python worker and imports this file.
    sc.range(0, 800, numSlices=PARTITIONS).map(threshold).max()
    for region in range(REGIONS):
        readings = sc.range(region * READINGS, (region + 1) * READINGS, numSlices=PARTITIONS)
        repeated(readings.map(threshold).collect(), healthy)
    sc.range(0, 800, numSlices=PARTITIONS).map(threshold).max()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
