"""Statements so long that their text fills the event log: Spark rolls it into several files. Nothing is wrong otherwise."""

from pyspark.sql import SparkSession

STATEMENTS = 9
TERMS = 40_000
PARTITIONS = 8


def main() -> None:
    spark = SparkSession.builder.appName("rolled").getOrCreate()
    sc = spark.sparkContext
    terms = " + ".join(["coalesce(amount, 0)"] * TERMS)
    for statement in range(STATEMENTS):
        sc.setJobDescription(f"INSERT INTO summary_{statement} SELECT {terms} FROM measurements")
        sc.range(0, 40_000, numSlices=PARTITIONS).map(work).sum()
    spark.stop()


def work(number: int) -> int:
    return sum(number % divisor for divisor in range(1, 200))


if __name__ == "__main__":
    main()
