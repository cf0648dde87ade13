"""Orders read from a database (Derby, embedded) and sealed. The fault: no partitionColumn, so one task reads the whole table.

`--healthy` reads it in ranges of the primary key. `--prepare` fills the database.
"""

import sys

from pyspark.sql import SparkSession, functions as F

ORDERS = 300_000
PARTITIONS = 8
URL = "jdbc:derby:orders-db"
DRIVER = "org.apache.derby.jdbc.EmbeddedDriver"


def main(healthy: bool) -> None:
    spark = SparkSession.builder.appName("jdbc-single-partition").getOrCreate()
    # Warm-up: the first task of each executor slot pays for class loading and compilation.
    work(table(spark, "(SELECT * FROM orders WHERE order_id < 2000) AS few", {})).collect()
    ranges = {"partitionColumn": "order_id", "lowerBound": 0, "upperBound": ORDERS, "numPartitions": PARTITIONS}
    work(table(spark, "orders", ranges if healthy else {})).collect()
    spark.stop()


def table(spark: SparkSession, name: str, options: dict):
    return spark.read.format("jdbc").options(url=URL, driver=DRIVER, dbtable=name, fetchsize=1000, **options).load()


def work(orders):
    seal = F.col("RECEIPT")
    for _ in range(40):
        seal = F.sha2(seal, 512)
    checksum = F.conv(F.substring(seal, 1, 8), 16, 10).cast("long")
    return orders.groupBy((F.col("CUSTOMER_ID") % 7).alias("region")).agg(F.sum(checksum), F.count("*"))


def prepare() -> None:
    spark = SparkSession.builder.getOrCreate()
    connection = spark._jvm.java.sql.DriverManager.getConnection(URL + ";create=true")
    connection.createStatement().execute(
        "CREATE TABLE orders (order_id BIGINT PRIMARY KEY, customer_id BIGINT, receipt VARCHAR(40))"
    )
    orders = spark.range(0, ORDERS, 1, 1).select(
        F.col("id").alias("ORDER_ID"),
        (F.col("id") % 20_000).alias("CUSTOMER_ID"),
        F.sha1(F.col("id").cast("string")).alias("RECEIPT"),
    )
    orders.write.format("jdbc").options(url=URL, driver=DRIVER, dbtable="orders", batchsize=10_000).mode("append").save()
    connection.close()
    spark.stop()


if __name__ == "__main__":
    prepare() if "--prepare" in sys.argv[1:] else main("--healthy" in sys.argv[1:])
