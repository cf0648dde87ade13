// What few applications have: an executor that is excluded for a stage, a resource profile of its own for another, accumulators that the
// user asked for, and a process beside driver and executors, as the application master of a client is one on YARN.
import org.apache.spark.{SparkContext, SparkEnv, TaskContext}
import org.apache.spark.resource.{ResourceProfileBuilder, TaskResourceRequests}
import org.apache.spark.scheduler.{MiscellaneousProcessDetails, SparkListenerMiscellaneousProcessAdded}

object Work extends Serializable {
  // Fails the first attempts of tasks on the executor that came first.
  def failing(sc: SparkContext): Long = {
    val (seen, longest) = (sc.longAccumulator("rows seen"), sc.collectionAccumulator[String]("first of a partition"))
    sc.range(0, 800, 1, 8).mapPartitions { rows =>
      Thread.sleep(300)
      val here = TaskContext.get
      if (here.attemptNumber == 0 && SparkEnv.get.executorId == "0") throw new RuntimeException(s"partition ${here.partitionId} does not like it here")
      longest.add(s"from ${here.partitionId}")
      rows.map { row => seen.add(1); row }
    }.count()
  }

  def onTwoCores(sc: SparkContext): Long = {
    val profile = new ResourceProfileBuilder().require(new TaskResourceRequests().cpus(2)).build()
    sc.range(0, 800, 1, 4).withResources(profile).map(n => (n % 4, n)).groupByKey(2).count()
  }

  // No YARN here: the event that its client mode sends, through Spark's own listeners.
  def beside(sc: SparkContext): Unit = {
    val bus = sc.getClass.getMethods.find(_.getName == "listenerBus").get.invoke(sc)
    val added = SparkListenerMiscellaneousProcessAdded(System.currentTimeMillis, "yarn-am", new MiscellaneousProcessDetails("127.0.0.1:7077", 1, Map.empty))
    bus.getClass.getMethods.find(_.getName == "post").get.invoke(bus, added)
  }
}
while (sc.getExecutorMemoryStatus.size < 3) Thread.sleep(200)
Work.beside(sc)
Work.failing(sc)
Work.onTwoCores(sc)
sys.exit(0)
