"""A stream of measurements scored in batches. The fault: scoring a second's rows takes longer than a second.

`--healthy` scores with a built-in function, which keeps up.
"""

import sys
import time

from pyspark.sql import SparkSession, functions as F, types as T

ROWS_PER_SECOND = 40_000
LASTS = 40


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("streaming-lag").config("spark.sql.shuffle.partitions", "2").getOrCreate()
    rows = spark.readStream.format("rate").option("rowsPerSecond", ROWS_PER_SECOND).option("numPartitions", 2).load()
    value = F.col("value") % 1000
    score = (value * 31 + 7) % 97 if healthy else F.udf(slow, T.LongType())(value)
    query = rows.groupBy(score.alias("score")).count().writeStream.outputMode("complete")
    query = query.queryName("scores").format("memory").trigger(processingTime="2 seconds").start()
    time.sleep(LASTS)
    query.stop()
    spark.stop()


def slow(value: int) -> int:
    for _ in range(900):
        value = (value * 31 + 7) % 97
    return value


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
