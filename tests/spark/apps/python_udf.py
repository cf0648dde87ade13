"""Card numbers checked. The fault: the check is a Python function, called row by row.

`--healthy` says the same with built-in functions.
"""

import sys

from pyspark.sql import SparkSession, functions as F, types as T

CARDS = 3_000_000
PARTITIONS = 16


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("python-udf").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(spark, 20_000, healthy=True).collect()
    work(spark, CARDS, healthy).collect()
    spark.stop()


def remainder(digits: str) -> int:
    return sum(int(digit) for digit in digits) % 10


def work(spark: SparkSession, count: int, healthy: bool):
    cards = spark.range(0, count, 1, PARTITIONS).select(F.lpad((F.col("id") * 7919).cast("string"), 16, "0").alias("digits"))
    if healthy:
        check = sum((F.substring("digits", at, 1).cast("int") for at in range(2, 17)), F.substring("digits", 1, 1).cast("int")) % 10
    else:
        check = F.udf(remainder, T.IntegerType())("digits")
    return cards.select(check.alias("remainder")).groupBy("remainder").count()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
