"""A small job. The fault: executors of 6 GiB for what needs a few hundred MiB. Its twin asks for 1 GiB."""

from pyspark.sql import SparkSession, functions as F

PARTITIONS = 24


def main() -> None:
    spark = SparkSession.builder.appName("big-heap").config("spark.sql.shuffle.partitions", "8").getOrCreate()
    work(spark, 200_000).collect()
    for _ in range(3):
        work(spark, 1_500_000).collect()
    spark.stop()


def work(spark: SparkSession, count: int):
    seal = F.sha2(F.col("id").cast("string"), 512)
    for _ in range(4):
        seal = F.sha2(seal, 512)
    rows = spark.range(0, count, 1, PARTITIONS).select((F.col("id") % 100).alias("key"), seal.alias("seal"))
    return rows.groupBy("key").agg(F.max("seal"))


if __name__ == "__main__":
    main()
