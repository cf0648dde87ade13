"""Look-up tables sent out to the tasks. The fault: the driver keeps every one of them, in a heap that hardly holds them.

`--healthy` makes them in the tasks.
"""

import sys

from pyspark.sql import SparkSession

TABLES = 9
ROWS = 40
ROW_BYTES = 1 << 20


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("driver-memory").getOrCreate()
    sc = spark.sparkContext
    sc.range(0, 8, numSlices=8).map(lambda number: len(row(number))).sum()
    kept = []
    for table in range(TABLES):
        if healthy:
            rows = sc.range(0, ROWS, numSlices=8).map(row)
        else:
            rows = sc.parallelize([row(table * ROWS + at) for at in range(ROWS)], 8)
        rows.map(lambda text: text.count(b"7")).sum()
        kept.append(rows)
    spark.stop()


def row(number: int) -> bytes:
    return str(number).encode() * (ROW_BYTES // len(str(number)))


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
