"""Visits of one day. The fault: the filter is on the visit's time as text, not on the column the table is partitioned by.

`--healthy` filters by that column too. `--prepare` writes the table.
"""

import sys

from pyspark.sql import SparkSession, functions as F

VISITS = 3_000_000
DAYS = 30


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("full-scan").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark.read.parquet("visits-warm"), healthy=True).collect()
    work(spark.read.parquet("visits"), healthy).collect()
    spark.stop()


def work(visits, healthy: bool):
    wanted = visits.where(F.to_date(F.to_timestamp("visited_at", "dd/MM/yyyy HH:mm:ss")) == F.lit("2024-03-11").cast("date"))
    if healthy:
        wanted = wanted.where(F.col("day") == "2024-03-11")
    return wanted.groupBy("page").agg(F.count("*"), F.max("session"))


def prepare() -> None:
    spark = SparkSession.builder.getOrCreate()
    for name, count in (("visits-warm", 60_000), ("visits", VISITS)):
        moment = F.timestamp_seconds(F.lit(1_709_251_200) + F.col("id") % DAYS * 86_400 + F.pmod(F.hash("id"), F.lit(86_400)))
        made = spark.range(0, count, 1, 4).select(
            F.to_date(moment).cast("string").alias("day"),
            F.date_format(moment, "dd/MM/yyyy HH:mm:ss").alias("visited_at"),
            (F.col("id") % 89).alias("page"),
            F.sha1(F.col("id").cast("string")).alias("session"),
        )
        made.repartition(DAYS, "day").write.partitionBy("day").parquet(name)
    spark.stop()


if __name__ == "__main__":
    prepare() if "--prepare" in sys.argv[1:] else main("--healthy" in sys.argv[1:])
