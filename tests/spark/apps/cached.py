"""RDDs and a table that are cached in memory and on disk, twice and once, some given up and some dropped because storage
memory is small. Block updates are logged.
"""

from pyspark import StorageLevel
from pyspark.sql import SparkSession, functions as F

PARTITIONS = 4


def main() -> None:
    spark = (
        SparkSession.builder.appName("cached")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.eventLog.logBlockUpdates.enabled", "true")
        .config("spark.memory.fraction", "0.06")
        .getOrCreate()
    )
    # About 50 MB in 43 MB for each of two executors: the second takes the room of the first.
    wide = spark.range(0, 100_000, 1, PARTITIONS).select("id", *(seal(i) for i in range(4)))
    for frame in (wide, wide.withColumn("more", F.lit(1))):
        frame.persist(StorageLevel.MEMORY_ONLY).count()
    context = spark.sparkContext
    numbers = context.parallelize(range(1000), 3).setName("numbers").persist(StorageLevel.DISK_ONLY)
    squares = numbers.map(lambda n: (n, n * n)).setName("squares").persist(StorageLevel.MEMORY_AND_DISK_2)
    squares.count()
    given_up = numbers.map(str).persist()
    given_up.count()
    given_up.unpersist(blocking=True)
    spark.stop()


def seal(number: int):
    return F.sha2(F.concat(F.col("id").cast("string"), F.lit(number)), 512).alias(f"c{number}")


if __name__ == "__main__":
    main()
