"""Sales written by shop. The fault: every task has rows of every shop, so each writes a file for each.

`--healthy` brings each shop's rows into one task first.
"""

import sys

from pyspark.sql import SparkSession, functions as F

SALES = 1_200_000
SHOPS = 50
PARTITIONS = 24


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("small-files-written").config("spark.sql.shuffle.partitions", "8").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    sales(spark, 10_000, 4).repartition("shop").write.parquet("warm")
    made = sales(spark, SALES, PARTITIONS)
    if healthy:
        made = made.repartition("shop")
    made.write.partitionBy("shop").parquet("sales")
    spark.stop()


def sales(spark: SparkSession, count: int, partitions: int):
    return spark.range(0, count, 1, partitions).select(
        F.pmod(F.hash("id"), F.lit(SHOPS)).alias("shop"), F.col("id").alias("sale"), F.sha1(F.col("id").cast("string")).alias("receipt")
    )


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
