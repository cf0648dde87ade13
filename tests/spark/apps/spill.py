"""Each device's events put in order. The fault: two partitions for all of them, more than a task may keep in memory.

`--healthy` sorts the same in 24 partitions.
"""

import sys

from pyspark.sql import SparkSession, Window, functions as F

EVENTS = 6_000_000
PARTITIONS = 24


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("spill").config("spark.sql.adaptive.enabled", "false").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 200_000, PARTITIONS).collect()
    work(spark, EVENTS, PARTITIONS if healthy else 2).collect()
    spark.stop()


def work(spark: SparkSession, count: int, partitions: int):
    events = spark.range(0, count, 1, PARTITIONS).select(
        (F.col("id") % 5_000).alias("device"), F.sha2(F.col("id").cast("string"), 512).alias("payload")
    )
    # A sort that nothing needs is left out by the optimizer: the window needs it.
    before = F.lag("payload").over(Window.partitionBy("device").orderBy("payload"))
    ordered = events.repartition(partitions, "device").select("payload", before.alias("before"))
    return ordered.groupBy().agg(F.max(F.substring("before", 1, 8)), F.count("*"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
