"""Orders joined to customers. The fault: most orders carry customer 0 ("guest"), so one partition holds most rows.

`--healthy` spreads the orders evenly over the customers; nothing else changes.
"""

import sys

from pyspark.sql import SparkSession, functions as F

ORDERS = 6_000_000
CUSTOMERS = 20_000
GUEST_SHARE = 92  # percent of the orders
PARTITIONS = 16


def main(healthy: bool) -> None:
    spark = (
        SparkSession.builder.appName("skewed-join")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.autoBroadcastJoinThreshold", "-1")
        .config("spark.sql.shuffle.partitions", PARTITIONS)
        .getOrCreate()
    )
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 100_000, healthy=True).collect()
    work(spark, ORDERS, healthy).collect()
    spark.stop()


def work(spark: SparkSession, count: int, healthy: bool):
    customer = 1 + F.col("id") % CUSTOMERS
    if not healthy:
        customer = F.when(F.col("id") % 100 < GUEST_SHARE, 0).otherwise(customer)
    orders = spark.range(0, count, 1, PARTITIONS).select(
        customer.alias("customer_id"), F.sha1(F.col("id").cast("string")).alias("receipt")
    )
    customers = spark.range(0, CUSTOMERS + 1, 1, PARTITIONS).select(
        F.col("id").alias("customer_id"), (F.col("id") % 7).alias("region")
    )
    seal = F.col("receipt")
    for _ in range(8):
        seal = F.sha2(F.concat(seal, F.col("region").cast("string")), 256)
    return (
        orders.join(customers, "customer_id")
        .select("region", F.conv(F.substring(seal, 1, 8), 16, 10).cast("long").alias("checksum"))
        .groupBy("region")
        .agg(F.sum("checksum"), F.count("*"))
    )


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
