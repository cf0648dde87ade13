// Purchases grouped by customer as objects in an RDD. The fault: Java's own serialization writes and reads every one of them.
// The objects are Scala's own: classes defined in a shell drag the shell along.
object Work extends Serializable {
  def run(sc: org.apache.spark.SparkContext, purchases: Int, partitions: Int): Long = {
    val made = sc.range(0, purchases, 1, partitions).map { id =>
      val items = Vector.tabulate(4)(n => (s"sku-${id % 997}-$n", id * 0.01, List("new", s"tag-${id % 13}")))
      ((id % 5000).toInt, (id, Option(s"note $id"), items))
    }
    made.groupByKey(partitions).mapValues(_.map(_._3.size).sum).values.map(_.toLong).reduce(_ + _)
  }
}
Work.run(sc, 4000, 8)
Work.run(sc, 700000, 16)
sys.exit(0)
