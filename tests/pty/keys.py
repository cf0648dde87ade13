#!/usr/bin/env python3
"""How long a key takes to the last byte on the terminal, and how many bytes that is.

    nice -n -10 tests/pty/keys.py SKEWER TARGET [--size 120x40] [--rounds 200] [--keys 'name=sequence' …] [--setup KEYS]

Runs the program in a pseudo-terminal, waits until it is idle, then presses each key so many times, each time when the terminal has
been quiet for a while, and prints median, 99th percentile and largest time and size. A frame ends with the end of a synchronized
update; the time is taken when its last byte has been read. With --while-loading the keys are pressed while the target is still read,
and a frame counts once it holds what the key is to show."""

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

END = b"\x1b[?2026l"

KEYS = [
    ("down, up", "j j j k k k"),
    ("page", "\x04 \x04 \x15 \x15"),
    ("last, first", "G g"),
    ("sort", "s"),
    ("column", "l h"),
    ("filter", "/ 1 2 \x1b"),
    ("enter, back", "\r \x1b"),
    ("tab", "\t \x1b[Z"),
]

# Pressed while frames of the progress come too: the key, and what it brings on the screen.
LOADING = [
    ("tab", [("3", "Jobs ("), ("1", "Where the time went"), ("4", "Stages (")]),
    ("enter, back", [("\r", "Tasks ("), ("\x1b", "Stages (")]),
    ("help, back", [("?", "Help"), ("\x1b", "Stages (")]),
]


class Terminal:
    def __init__(self, command, columns, rows):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The program asks for the size at once: it has to be there before it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LC_ALL="C.UTF-8", XDG_CONFIG_HOME="/nonexistent")
            os.execvp(command[0], command)
        self.started = time.perf_counter()

    def read(self, timeout):
        """Bytes that are there, or come within `timeout` seconds."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return b""
        try:
            return os.read(self.fd, 1 << 20)
        except OSError:
            return b""

    def until_quiet(self, quiet, longest=600):
        """What comes until nothing has come for `quiet` seconds."""
        end, got = time.perf_counter() + longest, b""
        while time.perf_counter() < end:
            more = self.read(quiet)
            if not more:
                return got
            got += more
        sys.exit("the screen never rests")

    def press(self, key, longest=2.0):
        """Seconds from the key to the last byte of its frame, and the frame; no frame: None."""
        begin = time.perf_counter()
        os.write(self.fd, key.encode())
        got = b""
        while not got.endswith(END):
            more = self.read(longest)
            if not more:
                return None, got
            got += more
        return time.perf_counter() - begin, got

    def press_until(self, key, mark, longest=5.0):
        """Seconds from the key to the last byte of the frame that shows the mark; None: it never came."""
        begin = time.perf_counter()
        os.write(self.fd, key.encode())
        got = b""
        while not (mark.encode() in got and END in got[got.rindex(mark.encode()) :]):
            got += self.read(longest)
            if time.perf_counter() - begin > longest:
                return None
        return time.perf_counter() - begin

    def until_settled(self, key, quiet=0.4):
        """Seconds from the key to the last byte of the last frame that follows from it: what is worked out beside the screen comes later."""
        begin, last = time.perf_counter(), None
        os.write(self.fd, key.encode())
        while more := self.read(quiet):
            last = time.perf_counter() - begin if END in more else last
        return last

    def cpu(self):
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("skewer")
    parser.add_argument("target", nargs="+")
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--setup", default="", help="keys pressed first, separated by blanks: '4 \\r' opens the first stage")
    parser.add_argument("--while-loading", action="store_true")
    parser.add_argument("--only", help="measure this key alone")
    arguments = parser.parse_args()
    columns, rows = map(int, arguments.size.split("x"))
    terminal = Terminal([arguments.skewer, *arguments.target], columns, rows)
    first = b""
    while not first.endswith(END):
        first += terminal.read(60)
    print(f"first frame after {1000 * (time.perf_counter() - terminal.started):.1f} ms")
    if arguments.while_loading:
        while_loading(terminal, arguments.rounds)
        return
    terminal.until_quiet(2)
    for key in arguments.setup.encode().decode("unicode_escape").split(" "):
        if key:
            os.write(terminal.fd, key.encode())
            terminal.until_quiet(1)
    before, at = terminal.cpu(), time.perf_counter()
    idle = terminal.until_quiet(3)
    print(f"idle: {len(idle)} bytes, {terminal.cpu() - before:.2f} s CPU in {time.perf_counter() - at:.0f} s")
    if arguments.only is None:
        settled(terminal)
    print(f"{'key':<14}{'n':>5}{'median':>10}{'p99':>10}{'largest':>10}{'bytes':>10}{'largest':>10}")
    for name, sequence in KEYS:
        if arguments.only not in (None, name):
            continue
        times, sizes = [], []
        presses = sequence.split(" ")
        for turn in range(arguments.rounds):
            key = presses[turn % len(presses)]
            took, frame = terminal.press(key, 1.0)
            if took is not None:
                times.append(1000 * took)
                sizes.append(len(frame))
            time.sleep(0.003)
        if not times:
            print(f"{name:<14}    0")
            continue
        print(
            f"{name:<14}{len(times):>5}{percentile(times, 0.5):>8.2f}ms{percentile(times, 0.99):>8.2f}ms{max(times):>8.2f}ms"
            f"{percentile(sizes, 0.5):>10}{max(sizes):>10}"
        )
        terminal.until_quiet(0.3)
    terminal.end()


def settled(terminal):
    """On a list: until the rows stand in the order that was asked for, or those alone that match."""
    print(f"{'until it stands':<16}{'n':>3}{'median':>10}{'largest':>10}")
    for name, presses, measured in [("sort", "s", "s"), ("filter", "/ 1 2 \x1b", "12")]:
        took = [(key, terminal.until_settled(key)) for _ in range(10) for key in presses.split(" ")]
        times = [1000 * seconds for key, seconds in took if key in measured and seconds is not None]
        if times:
            print(f"{name:<16}{len(times):>3}{percentile(times, 0.5):>8.2f}ms{max(times):>8.2f}ms")


def while_loading(terminal, rounds):
    print(f"{'key':<14}{'n':>5}{'median':>10}{'p99':>10}{'largest':>10}")
    for name, presses in LOADING:
        times, lost = [], 0
        # Each begins at the list of stages.
        os.write(terminal.fd, b"4")
        terminal.until_quiet(0.05, 1)
        for turn in range(rounds):
            took = terminal.press_until(*presses[turn % len(presses)])
            lost += took is None
            if took is not None:
                times.append(1000 * took)
            time.sleep(0.02)
        print(f"{name:<14}{len(times):>5}{percentile(times, 0.5):>8.2f}ms{percentile(times, 0.99):>8.2f}ms{max(times):>8.2f}ms"
              f"{f'  {lost} without an answer' if lost else ''}")  # fmt: skip
    print("it was still loading" if terminal.read(2) else "the end of loading came before")
    terminal.end()


if __name__ == "__main__":
    main()
