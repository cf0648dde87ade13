"""A standalone cluster whose workers have hosts of their own: every address of 127.0.0.0/8 is this machine's. For what a
local cluster cannot show, where all executors are on one host."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

LONGEST = 60  # seconds until the workers are there


@contextlib.contextmanager
def standalone(spark_home: pathlib.Path, work: pathlib.Path, workers: int, cores: int, memory: str):
    """Gives the master's address; its processes end with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = []
    logs = [work / f"cluster-{at}" for at in range(workers + 1)]

    def start(kind: str, host: str, log: pathlib.Path, *arguments: str) -> None:
        command = [str(spark_home / "bin/spark-class"), f"org.apache.spark.deploy.{kind}", "--host", host, *arguments]
        with open(log, "w") as output:
            environment = os.environ | {"SPARK_LOCAL_IP": host, "SPARK_WORKER_DIR": str(work / "workers")}
            processes.append(subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment))

    master = f"spark://127.0.0.1:{port}"
    try:
        start("master.Master", "127.0.0.1", logs[0], "--port", str(port), "--webui-port", "0")
        for at in range(workers):
            size = ["--cores", str(cores), "--memory", memory, "--webui-port", "0"]
            start("worker.Worker", f"127.0.0.{at + 2}", logs[at + 1], *size, master)
        wait(lambda: logs[0].read_text().count("Registering worker") == workers, logs[0])
        yield master
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(LONGEST)


def wait(until, log: pathlib.Path) -> None:
    started = time.monotonic()
    while not until():
        if time.monotonic() - started > LONGEST:
            raise SystemExit(log.read_text()[-4000:])
        time.sleep(0.2)
