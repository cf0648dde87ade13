"""A job too long to be waited for: the recorder kills the application in the middle of its second job."""

from pyspark.sql import SparkSession, functions as F

PARTITIONS = 16


def main() -> None:
    spark = (
        SparkSession.builder.appName("in-progress")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.shuffle.partitions", PARTITIONS)
        .getOrCreate()
    )
    work(spark, 500_000, PARTITIONS).collect()
    work(spark, 400_000_000, 1000).collect()
    spark.stop()


def work(spark: SparkSession, count: int, tasks: int):
    rows = spark.range(0, count, 1, tasks).select(
        (F.col("id") % 1000).alias("key"), F.sha1(F.col("id").cast("string")).alias("seal")
    )
    return rows.groupBy("key").agg(F.max("seal"))


if __name__ == "__main__":
    main()
