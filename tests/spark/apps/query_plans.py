"""Queries whose plans hold what plans can hold: joins that adaptive execution changes, exchanges and subqueries that are used
again, cached tables, a scan and a write of files. Nothing is planted; block updates are logged, and storage memory is
so small that cached blocks are dropped.
"""

from pyspark import StorageLevel
from pyspark.sql import SparkSession, functions as F

PARTITIONS = 6


def main() -> None:
    spark = (
        SparkSession.builder.appName("query-plans")
        .config("spark.sql.shuffle.partitions", PARTITIONS)
        .config("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false")
        .config("spark.eventLog.logBlockUpdates.enabled", "true")
        .config("spark.memory.fraction", "0.06")
        .getOrCreate()
    )
    orders = spark.range(0, 60_000, 1, PARTITIONS).select(
        "id", (F.col("id") % 500).alias("customer"), F.sha2(F.col("id").cast("string"), 256).alias("receipt")
    )
    customers = spark.range(0, 500, 1, 2).select(F.col("id").alias("customer"), (F.col("id") % 7).alias("region"))
    orders.write.mode("overwrite").parquet("orders")
    spark.read.parquet("orders").createOrReplaceTempView("orders")
    customers.createOrReplaceTempView("customers")
    adaptive(spark)
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    fixed(spark)
    cached(spark, orders)
    spark.stop()


def adaptive(spark: SparkSession) -> None:
    # Becomes a broadcast join once the size of one side is known.
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", "-1")
    spark.conf.set("spark.sql.adaptive.autoBroadcastJoinThreshold", "1m")
    spark.sql(
        """SELECT region, count(*), max(receipt) FROM orders JOIN customers USING (customer)
        WHERE id > (SELECT avg(id) / 2 FROM orders) AND customer < (SELECT max(customer) FROM customers)
        GROUP BY region ORDER BY region"""
    ).collect()
    # The same subquery twice, and an exchange that is used again.
    spark.sql(
        """WITH per AS (SELECT customer, count(*) n FROM orders GROUP BY customer)
        SELECT a.customer, a.n + b.n FROM per a JOIN per b ON a.customer = b.customer
        WHERE a.n > (SELECT avg(n) - 1 FROM per) AND b.n > (SELECT avg(n) - 1 FROM per)"""
    ).collect()
    spark.sql("CACHE TABLE totals AS SELECT customer, sum(id) total FROM orders GROUP BY customer")
    spark.sql("SELECT region, sum(total) FROM totals JOIN customers USING (customer) GROUP BY region").collect()
    spark.sql("SELECT * FROM totals WHERE total < 0 UNION ALL SELECT customer, region FROM customers LIMIT 5").collect()


def fixed(spark: SparkSession) -> None:
    spark.sql(
        """SELECT a.customer, a.receipt, row_number() OVER (PARTITION BY a.customer ORDER BY a.receipt) place
        FROM orders a JOIN orders b ON a.id = b.id WHERE b.id > (SELECT avg(id) FROM orders)"""
    ).filter("place = 1").count()
    spark.sql("SELECT /*+ BROADCAST(customers) */ count(*) FROM orders JOIN customers USING (customer)").collect()
    spark.sql("UNCACHE TABLE totals")


def cached(spark: SparkSession, orders) -> None:
    wide = orders.select("id", *(F.sha2(F.concat("receipt", F.lit(i)), 512).alias(f"c{i}") for i in range(5)))
    # The second takes the room of the first.
    kept = [wide.persist(StorageLevel.MEMORY_ONLY), wide.withColumn("more", F.lit(1)).persist(StorageLevel.MEMORY_ONLY)]
    for frame in kept:
        frame.count()
    spilled = spark.sparkContext.parallelize(range(1000), 3).setName("numbers").persist(StorageLevel.DISK_ONLY)
    twice = spilled.map(lambda n: (n, n * n)).setName("squares").persist(StorageLevel.MEMORY_AND_DISK_2)
    twice.count()
    twice.count()
    given_up = spilled.map(str).persist()
    given_up.count()
    given_up.unpersist(blocking=True)


if __name__ == "__main__":
    main()
