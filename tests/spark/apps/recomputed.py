"""Two questions asked of one expensive table. The fault: each computes that table again from its input.

`--healthy` caches it. `--prepare` writes the input.
"""

import sys

from pyspark.sql import SparkSession, functions as F

EVENTS = 4_000_000
PARTITIONS = 8


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("recomputed").config("spark.sql.shuffle.partitions", "4").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    scored(spark, "events-warm").groupBy("grade").count().collect()
    users = scored(spark, "events")
    if healthy:
        users = users.cache()
    users.groupBy("grade").count().collect()
    users.agg(F.max("score"), F.min("score")).collect()
    if healthy:
        users.unpersist()
    spark.stop()


def scored(spark: SparkSession, path: str):
    seal = F.col("payload")
    for _ in range(5):
        seal = F.sha2(seal, 256)
    score = F.conv(F.substring(seal, 1, 6), 16, 10).cast("long")
    events = spark.read.parquet(path).select("user", score.alias("score"))
    return events.groupBy("user").agg(F.sum("score").alias("score")).withColumn("grade", F.col("score") % 5)


def prepare() -> None:
    spark = SparkSession.builder.getOrCreate()
    for path, count in (("events-warm", 20_000), ("events", EVENTS)):
        spark.range(0, count, 1, PARTITIONS).select(
            (F.col("id") % 50_000).alias("user"), F.sha1(F.col("id").cast("string")).alias("payload")
        ).write.parquet(path)
    spark.stop()


if __name__ == "__main__":
    prepare() if "--prepare" in sys.argv[1:] else main("--healthy" in sys.argv[1:])
