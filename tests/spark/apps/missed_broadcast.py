"""Orders joined to a few customers. The fault: broadcasts are switched off, so both sides are shuffled and sorted.

`--healthy` leaves spark.sql.autoBroadcastJoinThreshold as it is.
"""

import sys

from pyspark.sql import SparkSession, functions as F

ORDERS = 5_000_000
CUSTOMERS = 5_000
PARTITIONS = 16


def main(healthy: bool) -> None:
    builder = SparkSession.builder.appName("missed-broadcast").config("spark.sql.shuffle.partitions", PARTITIONS)
    if not healthy:
        builder = builder.config("spark.sql.autoBroadcastJoinThreshold", "-1")
    spark = builder.getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 100_000).collect()
    work(spark, ORDERS).collect()
    spark.stop()


def work(spark: SparkSession, count: int):
    orders = spark.range(0, count, 1, PARTITIONS).select(
        F.pmod(F.hash("id"), F.lit(CUSTOMERS)).cast("long").alias("customer_id"),
        F.sha1(F.col("id").cast("string")).alias("receipt"),
    )
    customers = spark.range(0, CUSTOMERS, 1, 2).select(
        F.col("id").alias("customer_id"), (F.col("id") % 7).alias("region")
    )
    return (
        orders.join(customers, "customer_id")
        .groupBy("region")
        .agg(F.max("receipt"), F.count("*"))
    )


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
