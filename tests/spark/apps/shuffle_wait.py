"""Visits regrouped by visitor. The fault: a setting lets a task fetch one block at a time, and there are hundreds of small ones.

`--healthy` leaves that setting alone.
"""

import sys

from pyspark.sql import SparkSession, functions as F

VISITS = 240_000
MAPS = 240
REDUCES = 40


def main(healthy: bool) -> None:
    builder = (
        SparkSession.builder.appName("shuffle-wait")
        .config("spark.sql.adaptive.enabled", "false")
        # As between hosts: no reading of another executor's files on one's own disk.
        .config("spark.shuffle.readHostLocalDisk", "false")
    )
    if not healthy:
        builder = builder.config("spark.reducer.maxBlocksInFlightPerAddress", "1").config("spark.reducer.maxReqsInFlight", "1")
        builder = builder.config("spark.reducer.maxSizeInFlight", "1m")
    spark = builder.getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 10_000, 8).collect()
    work(spark, VISITS, MAPS).collect()
    spark.stop()


def work(spark: SparkSession, count: int, maps: int):
    visits = spark.range(0, count, 1, maps).select((F.col("id") % 90_000).alias("visitor"), F.sha2(F.col("id").cast("string"), 512).alias("page"))
    return visits.repartition(REDUCES, "visitor").groupBy().agg(F.max("page"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
