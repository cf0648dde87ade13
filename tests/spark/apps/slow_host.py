"""Readings looked up one by one, in two passes. The fault: a busy neighbour leaves one executor a third of its time.

`--healthy` runs without the neighbour.
"""

import contextlib
import sys

from pyspark.sql import SparkSession, functions as F

from executors import Slowed

READINGS = 1_920
PARTITIONS = 24


def main(healthy: bool) -> None:
    spark = (
        SparkSession.builder.appName("slow-host")
        .config("spark.sql.shuffle.partitions", PARTITIONS)
        .config("spark.sql.adaptive.enabled", "false")
        .getOrCreate()
    )
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 240).collect()
    with contextlib.nullcontext() if healthy else Slowed("1"):
        work(spark, READINGS).collect()
        work(spark, READINGS).collect()
    spark.stop()


def work(spark: SparkSession, count: int):
    # A look-up that takes ten milliseconds.
    found = F.expr("reflect('java.lang.Thread', 'sleep', bigint(10))")
    readings = spark.range(0, count, 1, PARTITIONS).select((F.col("id") % 100).alias("sensor"), found.alias("found"))
    return readings.groupBy("sensor").agg(F.max("found"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
