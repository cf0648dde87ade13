"""Payments ranked by amount. The fault: a window without PARTITION BY brings every row into one task.

`--healthy` ranks within each shop, in parallel.
"""

import sys

from pyspark.sql import SparkSession, Window, functions as F

PAYMENTS = 5_000_000
SHOPS = 20_000
PARTITIONS = 16


def main(healthy: bool) -> None:
    spark = (
        SparkSession.builder.appName("one-partition")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.shuffle.partitions", PARTITIONS)
        .getOrCreate()
    )
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 100_000, healthy=True).collect()
    work(spark, PAYMENTS, healthy).collect()
    spark.stop()


def work(spark: SparkSession, count: int, healthy: bool):
    payments = spark.range(0, count, 1, PARTITIONS).select(
        (F.col("id") % SHOPS).alias("shop"),
        (F.hash("id") % 1_000_000).alias("amount"),
        F.sha1(F.col("id").cast("string")).alias("receipt"),
    )
    window = Window.partitionBy("shop").orderBy("amount") if healthy else Window.orderBy("amount")
    seal = F.col("receipt")
    for _ in range(5):
        seal = F.sha2(F.concat(seal, F.col("place").cast("string")), 256)
    return (
        payments.withColumn("place", F.row_number().over(window))
        .select(
            (F.col("shop") % 10).alias("district"),
            F.conv(F.substring(seal, 1, 8), 16, 10).cast("long").alias("checksum"),
        )
        .groupBy("district")
        .agg(F.sum("checksum"), F.max("checksum"))
    )


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
