"""The executors of a local cluster as processes, for the faults that come from outside. For the driver's side alone."""

import os
import pathlib
import signal
import threading
import time


def find(executor: str) -> int:
    """The process of an executor of this application."""
    wanted = ["--executor-id", executor]
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().split("\0")
        except OSError:
            continue
        spark = any("CoarseGrainedExecutorBackend" in part for part in command)
        if spark and ours(int(folder.name)) and command[command.index("--executor-id") :][:2] == wanted:
            return int(folder.name)
    raise ProcessLookupError(f"no executor {executor}")


def ours(process: int) -> bool:
    """Whether a process descends from the JVM that started this script."""
    while process > 1:
        if process == os.getppid():
            return True
        process = int(pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False


class Slowed:
    """A busy neighbour: within the block the executor runs for a part of the time only."""

    def __init__(self, executor: str, still: float = 0.2, runs: float = 0.1):
        self.process, self.still, self.runs = find(executor), still, runs
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.pulse, daemon=True)

    def pulse(self) -> None:
        while not self.over.is_set():
            os.kill(self.process, signal.SIGSTOP)
            time.sleep(self.still)
            os.kill(self.process, signal.SIGCONT)
            time.sleep(self.runs)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
