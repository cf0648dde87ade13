"""Thresholds per region, region after region. The fault: between its jobs the driver computes them itself, in a loop.

`--healthy` computes them in the tasks.
"""

import hashlib
import sys

from pyspark.sql import SparkSession

REGIONS = 6
READINGS = 60_000
PARTITIONS = 8


def threshold(reading: int) -> int:
    digest = str(reading).encode()
    for _ in range(40):
        digest = hashlib.sha512(digest).digest()
    return int.from_bytes(digest[:4], "big")


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("driver-bound").getOrCreate()
    sc = spark.sparkContext
    # Warm-up: the first task of each executor slot starts a Python worker and imports this file.
    sc.range(0, 800, numSlices=PARTITIONS).map(threshold).max()
    for region in range(REGIONS):
        readings = sc.range(region * READINGS, (region + 1) * READINGS, numSlices=PARTITIONS)
        if healthy:
            readings.map(threshold).max()
        else:
            readings.sum()
            max(threshold(reading) for reading in range(region * READINGS, (region + 1) * READINGS))
    sc.range(0, 800, numSlices=PARTITIONS).map(threshold).max()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
