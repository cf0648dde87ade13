"""A stream of measurements scored in batches. The fault: scoring a second's rows takes longer than a second.

`--healthy` scores with a built-in function, which keeps up.
"""

import sys
import time

from pyspark.sql import SparkSession, functions as F, types as T

ROWS_PER_SECOND = 40_000
# The batches of the one that keeps up are many and alike: a few of them will do.
LASTS, HEALTHY_LASTS = 56, 20


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("streaming-lag").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    value = F.col("value") % 1000
    score = (value * 31 + 7) % 97 if healthy else F.udf(slow, T.LongType())(value)
    # Warm-up: otherwise the first batch, which waits for class loading and compilation, leaves a backlog.
    spark.range(0, 20_000, 1, 2).select(F.col("id").alias("value")).groupBy(score.alias("score")).count().collect()
    rows = spark.readStream.format("rate").option("rowsPerSecond", ROWS_PER_SECOND).option("numPartitions", 2).load()
    query = rows.groupBy(score.alias("score")).count().writeStream.outputMode("complete")
    query = query.queryName("scores").format("memory").trigger(processingTime="4 seconds").start()
    time.sleep(HEALTHY_LASTS if healthy else LASTS)
    query.stop()
    spark.stop()


def slow(value: int) -> int:
    for _ in range(1_300):
        value = (value * 31 + 7) % 97
    return value


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
