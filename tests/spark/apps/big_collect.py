"""Totals per account. The fault: every event is collected and added up in a loop on the driver.

`--healthy` adds up on the executors and collects one row an account.
"""

import hashlib
import sys

from pyspark.sql import SparkSession

EVENTS = 2_000_000
ACCOUNTS = 500
PARTITIONS = 16


def event(number: int) -> tuple[int, str]:
    receipt = hashlib.sha512(str(number).encode()).hexdigest()
    for _ in range(4):
        receipt = hashlib.sha512(receipt.encode()).hexdigest()
    return number % ACCOUNTS, receipt


def score(receipt: str) -> int:
    return sum(int(receipt[at : at + 8], 16) for at in range(0, len(receipt), 8))


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("big-collect").getOrCreate()
    sc = spark.sparkContext
    # Warm-up: the first task of each executor slot starts a Python worker and imports this file.
    sc.range(0, 2_000, numSlices=PARTITIONS).map(event).mapValues(score).reduceByKey(int.__add__, PARTITIONS).count()

    events = sc.range(0, EVENTS, numSlices=PARTITIONS).map(event)
    if healthy:
        totals = dict(events.mapValues(score).reduceByKey(int.__add__, PARTITIONS).collect())
    else:
        totals = {}
        for account, receipt in events.collect():
            totals[account] = totals.get(account, 0) + score(receipt)
    # What follows needs the totals, as a job that came after the collect in real life does.
    shares = sc.broadcast(totals)
    sc.range(0, ACCOUNTS, numSlices=PARTITIONS).map(lambda account: shares.value[account] % 97).sum()
    spark.stop()


if __name__ == "__main__":
    main("--healthy" in sys.argv[1:])
