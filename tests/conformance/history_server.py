"""Spark's own history server over a folder of event logs, on a loopback port of its own. Ended by its process id.

As a program: history_server.py SPARK_HOME LOGS_DIR prints the address and serves until standard input closes.
"""

import contextlib
import gzip
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

START_SECONDS = 120


@contextlib.contextmanager
def history_server(spark_home: pathlib.Path, logs: pathlib.Path, attempts: int, more: dict | None = None):
    """Yields the server's address once it lists so many attempts of applications. `more` are further settings."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="history-server-") as work:
        settings = {
            "spark.history.fs.logDirectory": logs.resolve().as_uri(),
            "spark.history.ui.port": port,
            "spark.history.fs.update.interval": "5s",
            "spark.history.fs.cleaner.enabled": "false",
        } | (more or {})
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
        environment |= {
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "2g",
            "SPARK_LOG_DIR": work,
            "SPARK_HOME": str(spark_home),
            "SPARK_HISTORY_OPTS": " ".join(f"-D{name}={value}" for name, value in settings.items()),
        }
        output = pathlib.Path(work, "output")
        with open(output, "w") as log:
            # spark-class replaces itself by the Java process, so this process id is the server's.
            process = subprocess.Popen(
                [str(spark_home / "bin/spark-class"), "org.apache.spark.deploy.history.HistoryServer"],
                cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait(process, address, attempts, output)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait(process: subprocess.Popen, address: str, attempts: int, output: pathlib.Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    listed = None
    while time.monotonic() < deadline and process.poll() is None:
        # A ValueError: for a moment the server answers a page instead of JSON.
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError, ValueError):
            listed = sum(len(application["attempts"]) for application in get(address, "applications"))
            if listed >= attempts:
                return
        time.sleep(0.3)
    sys.stderr.write(output.read_text()[-4000:])
    raise SystemExit(f"the history server lists {listed} of {attempts} attempts after {START_SECONDS} s")


def get(address: str, path: str):
    """The answer of an endpoint below /api/v1."""
    request = urllib.request.Request(f"{address}/api/v1/{path}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        body = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
    return json.loads(body)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    if not shutil.which("java"):
        raise SystemExit("no java")
    logs = pathlib.Path(sys.argv[2])
    with history_server(pathlib.Path(sys.argv[1]), logs, 1) as url:
        print(url, flush=True)
        sys.stdin.read()
