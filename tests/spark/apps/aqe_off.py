"""Visits counted by shop. The fault: adaptive execution is off, so the few shops are counted in 200 partitions, nearly all empty.

`--healthy` leaves it on, as it is since Spark 3.2: it makes one partition of them.
"""

import sys

from pyspark.sql import SparkSession, functions as F

VISITS = 400_000


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("aqe-off").config("spark.sql.adaptive.enabled", str(healthy).lower()).getOrCreate()
    visits = spark.range(0, VISITS, 1, 4).select((F.col("id") % 5_000).alias("shop"), F.hash("id").alias("visitor"))
    visits.groupBy("shop").agg(F.max("visitor").alias("last")).groupBy().agg(F.max("last"), F.count("*")).collect()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
