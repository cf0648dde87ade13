"""Calls matched to tariffs by the beginning of the number. The fault: LIKE is no equality, so every call meets every tariff.

`--healthy` joins on the prefix itself, which has a fixed length.
"""

import sys

from pyspark.sql import SparkSession, functions as F

CALLS = 200_000
TARIFFS = 2_000
PARTITIONS = 16


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("cartesian").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 1_000, healthy=True).collect()
    work(spark, 1_000, healthy=False).collect()
    work(spark, CALLS, healthy).collect()
    spark.stop()


def work(spark: SparkSession, count: int, healthy: bool):
    calls = spark.range(0, count, 1, PARTITIONS).select(
        F.lpad(F.pmod(F.hash("id"), F.lit(20_000_000)).cast("string"), 8, "0").alias("number"), (F.col("id") % 600).alias("seconds")
    )
    tariffs = spark.range(0, TARIFFS, 1, 2).select(
        F.lpad(F.col("id").cast("string"), 4, "0").alias("prefix"), (F.col("id") % 40).alias("zone")
    )
    if healthy:
        matches = F.substring("number", 1, 4) == F.col("prefix")
    else:
        matches = F.expr("number LIKE concat(prefix, '%')")
    return calls.join(tariffs, matches).groupBy("zone").agg(F.sum("seconds"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
