"""Letters drawn up out of templates. The fault: one template repeats its text until no heap holds it.

`--healthy` has templates of the usual length.
"""

import sys

from pyspark.sql import SparkSession, functions as F

LETTERS = 40_000
PARTITIONS = 12


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("executor-oom").getOrCreate()
    work(spark, healthy=True).collect()
    try:
        work(spark, healthy).collect()
    finally:
        spark.stop()


def work(spark: SparkSession, healthy: bool):
    times = F.when((F.col("id") == LETTERS // 2) & F.lit(not healthy), 900_000_000).otherwise(20)
    letters = spark.range(0, LETTERS, 1, PARTITIONS).withColumn("times", times).selectExpr(
        "id % 7 as region", "upper(repeat('a', cast(times as int))) as text"
    )
    return letters.groupBy("region").agg(F.max(F.length("text")))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
