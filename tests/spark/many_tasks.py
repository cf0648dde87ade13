"""One stage of 100,000 tasks with a shuffle behind it, for measuring. Usage: many_tasks.py EVENT_LOG_FOLDER [TASKS]

Run it with the interpreter of one of setup.sh's environments; the log lands in the folder as one zstd file.
"""

import pathlib
import sys

from pyspark.sql import SparkSession, functions as F


def main(folder: pathlib.Path, tasks: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    spark = (
        SparkSession.builder.appName("many-tasks")
        .master("local-cluster[2,1,1024]")
        .config("spark.driver.memory", "3g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", folder.resolve().as_uri())
        .config("spark.eventLog.compress", "true")
        .config("spark.eventLog.compression.codec", "zstd")
        .config("spark.eventLog.rolling.enabled", "false")
        # The queue in front of the event log drops events when it is full; this stage ends thousands of tasks a second.
        .config("spark.scheduler.listenerbus.eventqueue.capacity", "1000000")
        .config("spark.sql.shuffle.partitions", "8")
        .getOrCreate()
    )
    rows = spark.range(0, tasks * 200, 1, tasks).select((F.col("id") % 1000).alias("key"), F.hash("id").alias("value"))
    rows.groupBy("key").agg(F.sum("value")).collect()
    spark.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
