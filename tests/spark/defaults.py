"""Spark's own settings with their defaults, as a table: NAME, then a column for each Spark home given.

    SPARK_VENV/bin/python tests/spark/defaults.py > one.tsv        # the settings of one Spark
    python3 tests/spark/defaults.py --join 3.5.9=one.tsv 4.3.0=two.tsv > src/tui/screens/environment/defaults.tsv

The settings are those of Spark's registry (org.apache.spark.internal.config.ConfigEntry), those that are documented alone.
"""

import sys

# Their defaults are the machine's, or Spark sets them itself for each run.
MACHINE = {
    "spark.driver.bindAddress",
    "spark.driver.host",
    "spark.driver.port",
    "spark.sql.session.timeZone",
    "spark.sql.warehouse.dir",
}


def registry():
    """Name and default of every documented setting of the Spark that this Python has."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    # The first use of SQL's settings registers them.
    session.sql("SET -v").count()
    jvm, gateway = session.sparkContext._jvm, session.sparkContext._gateway
    nothing = gateway.new_array(jvm.java.lang.Class, 0), gateway.new_array(jvm.java.lang.Object, 0)
    entries = jvm.java.lang.Class.forName("org.apache.spark.internal.config.ConfigEntry$")
    method = entries.getDeclaredMethod("knownConfigs", nothing[0])
    method.setAccessible(True)
    known = method.invoke(entries.getField("MODULE$").get(None), nothing[1]).values()
    defaults = {entry.key(): entry.defaultValueString() for entry in known if entry.isPublic()}
    session.stop()
    return defaults


def resolved(name, defaults):
    """A default that is another setting's value, as that one's default; nothing where there is none."""
    value = defaults.get(name)
    for _ in range(5):
        if value is None or not value.startswith("<value of "):
            break
        value = defaults.get(value[len("<value of "):-1])
    return "" if value is None or value.startswith("<") or "\t" in value or "\n" in value else value


def main():
    if sys.argv[1:2] == ["--join"]:
        tables = {}
        for argument in sys.argv[2:]:
            version, path = argument.split("=", 1)
            rows = (line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8"))
            tables[version] = dict(rows)
        print("\t".join(["name", *tables]))
        for name in sorted(set().union(*tables.values())):
            print("\t".join([name, *(table.get(name, "") for table in tables.values())]))
        return
    defaults = registry()
    for name in sorted(defaults):
        value = resolved(name, defaults)
        if value and name not in MACHINE:
            print(f"{name}\t{value}")


if __name__ == "__main__":
    main()
