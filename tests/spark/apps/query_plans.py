"""Queries whose plans hold what plans can hold: a scan and a write of files, a subquery, a join that adaptive execution
changes, a cached table. With `--fixed` adaptive execution is off, and an exchange and a subquery are used again.
Nothing is planted.
"""

import sys

from pyspark.sql import SparkSession, functions as F

PARTITIONS = 3


def main(fixed: bool) -> None:
    spark = (
        SparkSession.builder.appName("query-plans")
        .config("spark.sql.shuffle.partitions", PARTITIONS)
        .config("spark.sql.adaptive.enabled", str(not fixed).lower())
        .config("spark.sql.autoBroadcastJoinThreshold", "-1")
        # The join becomes a broadcast join once the size of one side is known.
        .config("spark.sql.adaptive.autoBroadcastJoinThreshold", "1m")
        .getOrCreate()
    )
    orders = spark.range(0, 20_000, 1, PARTITIONS).select("id", (F.col("id") % 500).alias("customer"))
    orders.createOrReplaceTempView("orders")
    if fixed:
        spark.sql(
            """WITH per AS (SELECT customer, count(*) n FROM orders GROUP BY customer)
            SELECT a.customer, a.n + b.n FROM per a JOIN per b ON a.customer = b.customer
            WHERE a.n > (SELECT avg(n) - 1 FROM per) AND b.n > (SELECT avg(n) - 1 FROM per)"""
        ).collect()
    else:
        adaptive(spark, orders)
    spark.stop()


def adaptive(spark: SparkSession, orders) -> None:
    orders.write.mode("overwrite").parquet("orders")
    spark.read.parquet("orders").createOrReplaceTempView("orders")
    customers = spark.range(0, 500, 1, 2).select(F.col("id").alias("customer"), (F.col("id") % 7).alias("region"))
    customers.createOrReplaceTempView("customers")
    spark.sql("CACHE LAZY TABLE totals AS SELECT customer, sum(id) total FROM orders GROUP BY customer")
    spark.sql(
        """SELECT region, sum(total) FROM totals JOIN customers USING (customer)
        WHERE total > (SELECT avg(id) / 2 FROM orders) GROUP BY region"""
    ).collect()


if __name__ == "__main__":
    main("--fixed" in sys.argv[1:])
