"""A small job. The fault: it asks for twice the cores there are and waits for all of them, fifty seconds, before its first task.

`--healthy` asks for as many and begins with half of them.
"""

import sys
import time

from pyspark.sql import SparkSession


def main(healthy: bool) -> None:
    builder = SparkSession.builder.appName("slow-start").config("spark.cores.max", "8")
    builder = builder.config("spark.scheduler.minRegisteredResourcesRatio", "0.5" if healthy else "1.0")
    if not healthy:
        builder = builder.config("spark.scheduler.maxRegisteredResourcesWaitingTime", "50s")
    spark = builder.getOrCreate()
    sc = spark.sparkContext
    for _ in range(3):
        sc.range(0, 24, numSlices=24).map(lambda number: time.sleep(0.5) or number).sum()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
