"""Counters of a small table. The fault: 260 partitions of a hundred rows each. `--healthy` has one for each slot."""

import sys

from pyspark.sql import SparkSession, functions as F

ROWS = 50_000


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("tiny-tasks").config("spark.sql.adaptive.enabled", "false").getOrCreate()
    work(spark, 8).collect()
    work(spark, 2 if healthy else 260).collect()
    spark.stop()


def work(spark: SparkSession, partitions: int):
    rows = spark.range(0, ROWS, 1, 4).select((F.col("id") % 5_000).alias("key"), F.col("id").alias("value"))
    return rows.repartition(partitions, "key").groupBy().agg(F.sum("value"), F.count("*"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
