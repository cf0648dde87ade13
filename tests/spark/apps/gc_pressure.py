"""Sessions collected into lists. The fault: two partitions, so that an executor's heap is nearly full of one task's lists.

`--healthy` collects the same in 32 partitions.
"""

import sys

from pyspark.sql import SparkSession, functions as F

CLICKS = 7_200_000
SESSIONS = 60_000


def main(healthy: bool) -> None:
    spark = (
        SparkSession.builder.appName("gc-pressure")
        .config("spark.sql.adaptive.enabled", "false")
        # Lists on the heap for every session at once, instead of sorting first.
        .config("spark.sql.objectHashAggregate.sortBased.fallbackThreshold", "1000000")
        .getOrCreate()
    )
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 60_000, 32).collect()
    work(spark, CLICKS, 32 if healthy else 2).collect()
    spark.stop()


def work(spark: SparkSession, count: int, partitions: int):
    clicks = spark.range(0, count, 1, 32).select(
        (F.col("id") % SESSIONS).alias("session"), F.sha1(F.col("id").cast("string")).alias("page")
    )
    lists = clicks.repartition(partitions, "session").groupBy("session").agg(F.collect_list("page").alias("pages"))
    return lists.groupBy().agg(F.sum(F.size("pages")), F.max(F.hash("pages")))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
