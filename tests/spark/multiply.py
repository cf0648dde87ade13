"""Makes an event log N times larger out of a real one, to measure with: every task comes N times, under ids and indices of its own.

Usage: multiply.py LOG N OUT.zstd     LOG: one event log file, plain or zstd; needs the zstd program

Stages and jobs stay as they are but for their number of tasks; times repeat, so what is said of the schedule is of no use. The output is
for measuring alone and is never committed.
"""

import re
import subprocess
import sys

TASK = re.compile(rb'"Task ID":(\d+),"Index":(\d+)')
TASKS = re.compile(rb'"Number of Tasks":(\d+)')


def main(log: str, times: int, out: str) -> None:
    reader = subprocess.Popen(["zstd", "-dcf", log], stdout=subprocess.PIPE)
    with open(out, "wb") as sink:
        writer = subprocess.Popen(["zstd", "-q", "-3"], stdin=subprocess.PIPE, stdout=sink)
        # Between two events of another kind the tasks' lines repeat as one piece, so that starts still come before ends.
        tasks: list[bytes] = []
        for line in reader.stdout:
            if line.startswith(b'{"Event":"SparkListenerTask'):
                tasks.append(line)
                continue
            repeat(tasks, times, writer.stdin)
            tasks = []
            writer.stdin.write(TASKS.sub(lambda found: b'"Number of Tasks":%d' % (int(found[1]) * times), line))
        repeat(tasks, times, writer.stdin)
        writer.stdin.close()
        if reader.wait() or writer.wait():
            sys.exit("zstd failed")


def repeat(tasks: list[bytes], times: int, sink) -> None:
    """Writes the tasks' lines `times` times; an id or index times N plus the turn is nobody else's."""
    for turn in range(times):

        def renumbered(found: re.Match) -> bytes:
            return b'"Task ID":%d,"Index":%d' % (int(found[1]) * times + turn, int(found[2]) * times + turn)

        sink.writelines(TASK.sub(renumbered, line, count=1) for line in tasks)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
