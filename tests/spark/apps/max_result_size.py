"""Receipts of a year. The fault: all of them are collected, and the driver takes only so many bytes of results.

`--healthy` writes them from the executors.
"""

import sys

from pyspark.sql import SparkSession, functions as F

RECEIPTS = 1_500_000
PARTITIONS = 16


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("max-result-size").config("spark.driver.maxResultSize", "32m").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    receipts(spark, 10_000).collect()
    try:
        if healthy:
            receipts(spark, RECEIPTS).write.format("noop").mode("overwrite").save()
        else:
            receipts(spark, RECEIPTS).collect()
    finally:
        spark.stop()


def receipts(spark: SparkSession, count: int):
    return spark.range(0, count, 1, PARTITIONS).select("id", F.sha2(F.col("id").cast("string"), 512).alias("receipt"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
