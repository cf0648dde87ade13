"""Sensor readings added up. The fault: they lie in thousands of tiny Parquet files.

`--healthy` reads the same readings compacted into a few files. `--prepare` writes both.
"""

import sys

from pyspark.sql import SparkSession, functions as F

READINGS = 1_000_000
FILES = 1_500


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("many-small-files").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    summary(spark, "readings-warm").collect()
    summary(spark, "readings-compacted" if healthy else "readings").collect()
    spark.stop()


def summary(spark: SparkSession, path: str):
    return spark.read.schema("id LONG, sensor LONG, value DOUBLE").parquet(path).groupBy("sensor").agg(F.avg("value"))


def prepare() -> None:
    spark = SparkSession.builder.getOrCreate()
    readings = spark.range(READINGS).select("id", (F.col("id") % 97).alias("sensor"), F.rand(1).alias("value"))
    readings.repartition(8).write.parquet("readings-compacted")
    readings.limit(10_000).repartition(4).write.parquet("readings-warm")
    readings.repartition(FILES).write.parquet("readings")
    spark.stop()


if __name__ == "__main__":
    prepare() if "--prepare" in sys.argv[1:] else main("--healthy" in sys.argv[1:])
