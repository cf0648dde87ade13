"""Payments joined to their receipts. The fault: a hint broadcasts the receipts, hundreds of MiB of them.

`--healthy` lets Spark shuffle both sides.
"""

import sys

from pyspark.sql import SparkSession, functions as F

RECEIPTS = 1_800_000
PARTITIONS = 16


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("large-broadcast").config("spark.sql.shuffle.partitions", PARTITIONS).getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 50_000, healthy=True).collect()
    work(spark, RECEIPTS, healthy).collect()
    spark.stop()


def work(spark: SparkSession, count: int, healthy: bool):
    receipts = spark.range(0, count, 1, PARTITIONS).select(
        F.col("id").alias("receipt_id"), F.sha2(F.col("id").cast("string"), 256).alias("receipt")
    )
    payments = spark.range(0, count, 1, PARTITIONS).select(
        F.pmod(F.hash("id"), F.lit(count)).cast("long").alias("receipt_id"), (F.col("id") % 11).alias("shop")
    )
    joined = payments.join(receipts if healthy else F.broadcast(receipts), "receipt_id")
    return joined.groupBy("shop").agg(F.max("receipt"), F.count("*"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
