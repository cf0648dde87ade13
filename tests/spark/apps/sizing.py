"""Pages fetched from a service. The fault: one executor of eight cores, whose tasks share one heap and one process.

Its twin has four.
"""

import time

from pyspark.sql import SparkSession


def main() -> None:
    spark = SparkSession.builder.appName("sizing").getOrCreate()
    sc = spark.sparkContext
    for _ in range(3):
        sc.range(0, 32, numSlices=32).map(lambda number: time.sleep(0.8) or number).sum()
    spark.stop()


if __name__ == "__main__":
    main()
