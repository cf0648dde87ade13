"""Pages fetched from quick and slow sites, a few at a time. The fault: once a quick one is there, the slow ones are copied.

`--healthy` speculates as Spark does unless told otherwise: not at all.
"""

import sys
import time

from pyspark.sql import SparkSession

BATCHES = 10


def main(healthy: bool) -> None:
    builder = SparkSession.builder.appName("speculation-waste")
    if not healthy:
        builder = (
            builder.config("spark.speculation", "true")
            .config("spark.speculation.quantile", "0.25")
            .config("spark.speculation.multiplier", "1.1")
            .config("spark.speculation.interval", "100ms")
            .config("spark.speculation.minTaskRuntime", "100ms")
        )
    spark = builder.getOrCreate()
    sc = spark.sparkContext
    # Warm-up: the first task of each executor slot starts a Python worker and imports this file.
    sc.range(0, 8, numSlices=8).map(lambda number: number + 1).count()
    for _ in range(BATCHES):
        sc.range(0, 4, numSlices=4).map(fetch).sum()
    spark.stop()


def fetch(site: int) -> int:
    time.sleep(0.3 if site < 2 else 2)
    return site


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
