"""Takes the recording machine out of an event log, and compresses the log again as Spark does.

Runs in one of setup.sh's environments: the compression is Spark's own codec, flushed after the same events as in
`EventLoggingListener`, so that a log keeps its many frames. Lines are edited as text: no number changes its form.
"""

import getpass
import os
import pathlib
import re
import socket

USER = "analyst"
HOST = "recorder"

# EventLoggingListener flushes after every event but these.
UNFLUSHED = re.compile(
    rb'^\{"Event":"SparkListener(TaskStart|TaskEnd|TaskGettingResult|EnvironmentUpdate|ExecutorMetricsUpdate'
    rb'|StageExecutorMetrics|SpeculativeTaskSubmitted|LogStart)"'
)


class Anonymiser:
    def __init__(self, folders: dict[str, str]):
        """`folders` maps folders of this machine to the names the log shall hold."""
        home, user, host = os.path.expanduser("~"), getpass.getuser(), socket.gethostname()
        known = {**folders, home: f"/home/{USER}"}
        paths = sorted(known, key=len, reverse=True)
        # (what must be in a line, pattern, replacement): the first spares long lines the slow patterns.
        self.rules = [(path, re.compile(re.escape(path)), known[path]) for path in paths]
        name = re.escape(user)
        self.rules += [
            (user, re.compile(rf'("User":|"user\.name":|"sparkUser":)"{name}"'), rf'\1"{USER}"'),
            (host, re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])"), HOST),
            ('"os.version":', re.compile(r'("os\.version":)"[^"]*"'), r'\1"6.1.0"'),
            ("/tmp/", re.compile(r"/tmp/(spark|blockmgr|tmp|pip)[\w.-]*"), r"/tmp/\1"),
        ]
        # Nothing of these may be left: what was mapped, the checkout, temporary folders, other homes, the host's name.
        checkout = str(pathlib.Path(__file__).resolve().parents[2])
        self.leaks = [re.escape(path) for path in [*paths, checkout]]
        self.leaks += ["/tmp/record-", r"/root\b", rf"/home/(?!{USER}\b)\w", "/Users/", f'"{re.escape(host)}"']

    def line(self, line: str) -> str:
        for part, pattern, replacement in self.rules:
            if part in line:
                line = pattern.sub(replacement, line)
        for pattern in self.leaks:
            if leak := re.search(pattern, line):
                raise SystemExit(f"left of this machine: …{line[max(0, leak.start() - 80) : leak.end() + 80]}…")
        return line


def compress(jvm, lines: list[bytes], target: pathlib.Path, cut: bool = False) -> None:
    """Writes `lines` as Spark's event log writer does. With `cut` the last frame stays open, as after a kill."""
    codec = jvm.org.apache.spark.io.ZStdCompressionCodec(jvm.org.apache.spark.SparkConf(False))
    file = jvm.java.io.FileOutputStream(str(target))
    stream = jvm.java.io.BufferedOutputStream(codec.compressedContinuousOutputStream(file), 100 * 1024)
    for line in lines:
        stream.write(line)
        if not UNFLUSHED.match(line):
            stream.flush()
    if cut:
        stream.write(b'{"Event":"SparkListenerTaskStart","Stage ID":')
        stream.flush()
        file.close()
        with open(target, "r+b") as written:
            written.truncate(target.stat().st_size - 3)
    else:
        stream.close()
