"""A record that no task can parse: four failed attempts, a failed stage, a failed job, an application that gives up."""

from pyspark.sql import SparkSession

PARTITIONS = 12


def parse(number: int) -> int:
    text = "n/a" if number == 77_777 else str(number)
    return sum(int(text) % divisor for divisor in range(1, 60))


def main() -> None:
    spark = SparkSession.builder.appName("failed-job").getOrCreate()
    sc = spark.sparkContext
    sc.range(0, 60_000, numSlices=PARTITIONS).map(parse).count()
    try:
        sc.range(60_000, 120_000, numSlices=PARTITIONS).map(parse).sum()
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
