"""Events sorted within their day. The fault: two partitions for all of them, more than a task may keep in memory.

`--healthy` sorts the same in 24 partitions.
"""

import sys

from pyspark.sql import SparkSession, functions as F

EVENTS = 5_000_000
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
    sorted_events = events.repartition(partitions, "device").sortWithinPartitions("payload")
    last = F.substring("payload", 1, 8)
    return sorted_events.select((F.col("device") % 10).alias("group"), last.alias("last")).groupBy().agg(F.max("last"), F.count("*"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
