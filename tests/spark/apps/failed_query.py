"""Totals of a day's orders, written twice, as a run that is repeated does. The fault: the second write finds what the first one left, and ends the application.

`--healthy` says that it is to be replaced.
"""

import sys

from pyspark.sql import SparkSession, functions as F

ORDERS = 4_000_000


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("failed-query").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    totals(spark, 10_000).collect()
    try:
        for _ in range(2):
            totals(spark, ORDERS).write.mode("overwrite" if healthy else "errorifexists").parquet("totals")
    finally:
        spark.stop()


def totals(spark: SparkSession, count: int):
    orders = spark.range(0, count, 1, 4).select((F.col("id") % 400).alias("shop"), F.sqrt(F.col("id") % 9_973).alias("price"))
    return orders.groupBy("shop").agg(F.sum("price"), F.count("*")).coalesce(2)


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
