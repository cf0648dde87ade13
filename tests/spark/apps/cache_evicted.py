"""Three questions asked of a cached table. The fault: it is kept in memory alone and does not fit, so parts are computed again each time.

`--healthy` keeps on disk what does not fit in memory.
"""

import sys

from pyspark import StorageLevel
from pyspark.sql import SparkSession, functions as F

ROWS = 1_300_000
PARTITIONS = 10


def main(healthy: bool) -> None:
    spark = (
        SparkSession.builder.appName("cache-evicted")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.eventLog.logBlockUpdates.enabled", "true")
        .getOrCreate()
    )
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    sealed(spark, 20_000).agg(F.max("seal")).collect()
    rows = sealed(spark, ROWS).persist(StorageLevel.MEMORY_AND_DISK if healthy else StorageLevel.MEMORY_ONLY)
    rows.count()
    rows.agg(F.max("seal")).collect()
    rows.where("seal LIKE 'abc%'").count()
    spark.stop()


def sealed(spark: SparkSession, count: int):
    seal = F.sha1(F.col("id").cast("string"))
    for _ in range(2):
        seal = F.sha2(seal, 512)
    return spark.range(0, count, 1, PARTITIONS).select((F.col("id") % 11).alias("shop"), F.concat(seal, F.reverse(seal)).alias("seal"))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
