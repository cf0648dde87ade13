"""Orders priced by a service, a call a batch. The fault: one batch runs into the service's time limit, twelve seconds.

`--healthy` has every call answered.
"""

import sys
import time

from pyspark.sql import SparkSession

ORDERS = 64_000
PARTITIONS = 32
UNLUCKY = 29


def price(index: int, orders, healthy: bool):
    time.sleep(12.5 if index == UNLUCKY and not healthy else 0.5 + index % 3 / 10)
    return (number % 97 for number, _ in orders)


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("straggler").getOrCreate()
    sc = spark.sparkContext
    # Warm-up: the first task of each executor slot starts a Python worker and imports this file.
    run(sc, 3_200, 8, healthy=True)
    run(sc, ORDERS, PARTITIONS, healthy)
    spark.stop()


def run(sc, count: int, partitions: int, healthy: bool) -> None:
    orders = sc.range(0, count, numSlices=partitions).map(lambda number: (number, number)).partitionBy(partitions)
    orders.mapPartitionsWithIndex(lambda index, rows: price(index, rows, healthy)).sum()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
