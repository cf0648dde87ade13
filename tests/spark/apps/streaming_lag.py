"""A stream of measurements looked up in a service. The fault: each is asked about alone, and a second's take longer than a second.

`--healthy` has what the service answers at hand, and keeps up.
"""

import sys
import time

from pyspark.sql import SparkSession, functions as F, types as T

ROWS_PER_SECOND = 2_000
PARTITIONS = 2
BATCHES = 4
LONGEST = 120  # seconds


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("streaming-lag").config("spark.sql.shuffle.partitions", PARTITIONS).getOrCreate()
    value = F.col("value") % 1000
    answer = (value * 31 + 7) % 97 if healthy else F.udf(ask, T.LongType())(value)
    rows = spark.readStream.format("rate").option("rowsPerSecond", ROWS_PER_SECOND).option("numPartitions", PARTITIONS).load()
    answers = rows.groupBy(answer.alias("answer")).count().writeStream.outputMode("complete").format("memory")
    # Warm-up: otherwise the first batch, which waits for class loading and compilation, leaves a backlog.
    answers.queryName("warm_up").trigger(once=True).start().awaitTermination()
    query = answers.queryName("answers").trigger(processingTime="4 seconds").start()
    started = time.monotonic()
    while len(query.recentProgress) < BATCHES and time.monotonic() - started < LONGEST:
        time.sleep(0.5)
    query.stop()
    spark.stop()


def ask(value: int) -> int:
    time.sleep(0.0012)
    return (value * 31 + 7) % 97


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
