"""Trips summed up. The fault: they are CSV, and Spark reads them once more to infer the schema.

`--healthy` reads the same trips from Parquet. `--prepare` writes both.
"""

import sys

from pyspark.sql import SparkSession, functions as F

TRIPS = 1_500_000
PARTITIONS = 8


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("row-format").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    summary(trips(spark, "trips-warm", healthy)).collect()
    summary(trips(spark, "trips", healthy)).collect()
    spark.stop()


def trips(spark: SparkSession, name: str, healthy: bool):
    return spark.read.parquet(f"{name}.parquet") if healthy else spark.read.csv(f"{name}.csv", header=True, inferSchema=True)


def summary(trips):
    return trips.groupBy("zone").agg(F.avg("distance"), F.max("fare"), F.count("*"))


def prepare() -> None:
    spark = SparkSession.builder.getOrCreate()
    for name, count in (("trips-warm", 20_000), ("trips", TRIPS)):
        made = spark.range(0, count, 1, PARTITIONS).select(
            F.col("id").alias("trip"),
            (F.col("id") % 263).alias("zone"),
            (F.rand(1) * 30).alias("distance"),
            (F.rand(2) * 90).alias("fare"),
            F.timestamp_seconds(F.lit(1_700_000_000) + F.col("id")).alias("started"),
            F.sha1(F.col("id").cast("string")).alias("note"),
        )
        made.write.csv(f"{name}.csv", header=True)
        made.write.parquet(f"{name}.parquet")
    spark.stop()


if __name__ == "__main__":
    prepare() if "--prepare" in sys.argv[1:] else main("--healthy" in sys.argv[1:])
