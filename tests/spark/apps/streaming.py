"""Two streaming queries: one counts rows of the rate source in windows, with state and a watermark, until it is stopped;
the other fails in its second batch.
"""

import time

from pyspark.sql import SparkSession, functions as F

BATCHES = 3


def main() -> None:
    spark = (
        SparkSession.builder.appName("streaming")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.sql.streaming.noDataMicroBatches.enabled", "false")
        .getOrCreate()
    )
    rows = spark.readStream.format("rate").option("rowsPerSecond", 20).option("numPartitions", 2).load()
    counts = rows.withWatermark("timestamp", "2 seconds").groupBy(F.window("timestamp", "2 seconds")).count()
    counting = (
        counts.writeStream.queryName("counts")
        .outputMode("append")
        .format("noop")
        .option("checkpointLocation", "checkpoint")
        .trigger(processingTime="1 second")
        .start()
    )
    failing = rows.writeStream.foreachBatch(fail).trigger(processingTime="1 second").start()
    while (counting.lastProgress or {"batchId": 0})["batchId"] < BATCHES:
        time.sleep(0.5)
    counting.stop()
    try:
        failing.awaitTermination(30)
    except Exception as error:  # what it was made for
        print(error)
    spark.stop()


def fail(batch, number: int) -> None:
    if number == 1:
        raise ValueError("the sink refuses this batch")
    batch.count()


if __name__ == "__main__":
    main()
