"""Makes a folder of many event logs out of the recorded ones, to measure listings with: each under an application id of its own.

Usage: many_logs.py LOGS N OUT     LOGS: tests/fixtures/logs; needs the zstd program; N logs take some N × 75 kB

Only the frame in which the application starts is written anew, so the files are as Spark wrote them: single files and rolling logs,
finished and in progress, in as many zstd frames. The output is for measuring alone and is never committed.
"""

import re
import subprocess
import sys
from pathlib import Path

MAGIC = b"\x28\xb5\x2f\xfd"
APP_ID = re.compile(rb'"App ID":"[^"]*"')


def main(logs: Path, count: int, out: Path) -> None:
    recorded = [log(path) for path in sorted(logs.iterdir())]
    for number in range(count):
        name, files = recorded[number % len(recorded)]
        app = f"app-{20260101 + number % 28}-{number:06}"
        for path, before, start, after in files:
            target = out / path.replace(name, app)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(before + (frame(APP_ID.sub(b'"App ID":"%s"' % app.encode(), start)) if start else b"") + after)


def log(path: Path) -> tuple[str, list[tuple[str, bytes, bytes, bytes]]]:
    """A log's name, and of each of its files what stands before, in and after the frame of the application's start."""
    name = path.name.removeprefix("eventlog_v2_").removesuffix(".inprogress").removesuffix(".zstd")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return name, [(str(file.relative_to(path.parent)), *cut(file.read_bytes())) for file in files]


def cut(packed: bytes) -> tuple[bytes, bytes, bytes]:
    frames = [found.start() for found in re.finditer(re.escape(MAGIC), packed)] + [len(packed)]
    for begin, end in zip(frames, frames[1:]):
        plain = subprocess.run(["zstd", "-dcq"], input=packed[begin:end], capture_output=True).stdout
        if b'"SparkListenerApplicationStart"' in plain:
            return packed[:begin], plain, packed[end:]
    return packed, b"", b""


def frame(plain: bytes) -> bytes:
    """A zstd frame of one block that is not compressed (RFC 8878)."""
    block = (len(plain) << 3 | 1).to_bytes(3, "little")
    return MAGIC + b"\xa0" + len(plain).to_bytes(4, "little") + block + plain


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
