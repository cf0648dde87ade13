"""Compares skewer's exported rows with the history server's answers, field by field.

Rows are JSON objects as Spark's REST API nests them. A field is named by its path: `taskMetrics.jvmGcTime`.
"""

import dataclasses
import json
import math
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Excuse:
    """A field that is not compared, and why. `when` limits it to rows of the server like this one.

    `table.*` excuses the fields of a table that skewer leaves out where the server answers `nothing`.
    """

    field: str
    why: str
    when: Callable[[dict], bool] = lambda row: True


# Sets: Spark lists them in the order of their hashes.
UNORDERED = {"stages.rddIds", "jobs.jobTags", "sql.runningJobIds", "sql.successJobIds", "sql.failedJobIds"}
UNORDERED |= {"sql.edges", "stages.accumulatorUpdates"}
# What `text::clean` does to text from outside that fixtures and old logs hold: it is cut here, and tabs become spaces.
LONGEST_TEXT = 200_000
TAB = "    "
# Text of several lines that skewer keeps as one.
ONE_LINE = {"jobs.description", "stages.description", "sql.description", "storage.name"}


@dataclasses.dataclass
class Tally:
    """What a comparison found. `different` holds one line for each value that differs."""

    compared: int = 0
    missing: dict[str, int] = dataclasses.field(default_factory=dict)
    different: list[str] = dataclasses.field(default_factory=list)

    @property
    def bad(self) -> bool:
        return bool(self.different or self.missing)

    def add(self, other: "Tally") -> None:
        self.compared += other.compared
        self.different += other.different
        for field, count in other.missing.items():
            self.missing[field] = self.missing.get(field, 0) + count


def rows(table: str, ours: list[dict], theirs: list[dict], key: tuple[str, ...], excuses: list[Excuse]) -> Tally:
    """Both sides hold the same rows, and each of the server's fields is there with the same value."""
    tally = Tally()
    excuses = [excuse for excuse in excuses if excuse.field.startswith(f"{table}.")]
    mine, server = by_key(table, ours, key, tally), by_key(table, shown(theirs), key, tally)
    for name in sorted(server.keys() - mine.keys(), key=str):
        tally.different.append(f"{table} {label(key, name)}: the server has it, skewer does not")
    for name in sorted(mine.keys() - server.keys(), key=str):
        tally.different.append(f"{table} {label(key, name)}: skewer has it, the server does not")
    for name in sorted(mine.keys() & server.keys(), key=str):
        excused = {excuse.field for excuse in excuses if excuse.when(server[name])}
        fields(f"{table} {label(key, name)}", table, "", mine[name], server[name], excused, tally)
    return tally


def fields(where: str, table: str, path: str, ours, theirs, excused: set[str], tally: Tally) -> None:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name, value in theirs.items():
            below = f"{path}.{name}" if path else name
            if f"{table}.{below}" in excused or value is None:
                continue
            if ours.get(name) is None:
                if f"{table}.*" in excused and nothing(value):
                    continue
                tally.missing[f"{table}.{below}"] = tally.missing.get(f"{table}.{below}", 0) + 1
            else:
                fields(where, table, below, ours[name], value, excused, tally)
        for name in ours.keys() - theirs.keys():
            below = f"{path}.{name}" if path else name
            # The server leaves an absent value out of the answer; so may we say null for it.
            if ours[name] is not None and f"{table}.{below}" not in excused:
                tally.different.append(f"{where} {below}: skewer {short(ours[name])}, the server has no such field")
        return
    tally.compared += len(theirs) if isinstance(theirs, list) and theirs else 1
    if f"{table}.{path}" in ONE_LINE:
        theirs = theirs.replace("\n", " ")
    if f"{table}.{path}" in UNORDERED:
        ours, theirs = (sorted(values, key=json.dumps) for values in (ours, theirs))
    if not same(ours, theirs):
        tally.different.append(f"{where} {path}: skewer {short(ours)}, server {short(theirs)}")


def nothing(value) -> bool:
    """Whether it is what the server fills in for what a log does not say."""
    if isinstance(value, dict):
        return all(map(nothing, value.values()))
    if isinstance(value, list):
        return all(map(nothing, value))
    return value in (0, -1, False, "")


def shown(value):
    """The server's answer with its text as skewer shows it."""
    if isinstance(value, str):
        cut = f"{value[:LONGEST_TEXT]}…" if len(value) > LONGEST_TEXT else value
        return cut.replace("\t", TAB)
    if isinstance(value, list):
        return [shown(one) for one in value]
    if isinstance(value, dict):
        return {shown(name): shown(one) for name, one in value.items()}
    return value


def same(ours, theirs) -> bool:
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return ours == theirs or (isinstance(ours, float) and math.isclose(ours, theirs, rel_tol=1e-12))
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(same(one, other) for one, other in zip(ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[name], theirs[name]) for name in ours)
    return ours == theirs


def by_key(table: str, rows: list[dict], key: tuple[str, ...], tally: Tally) -> dict[tuple, dict]:
    found = {}
    for row in rows:
        name = tuple(row.get(field) for field in key)
        if name in found:
            tally.different.append(f"{table} {label(key, name)}: listed twice")
        found[name] = row
    return found


def reports(ours: dict, other: dict, what: str, missing: tuple[str, ...]) -> Tally:
    """Two reports on one application, alike in everything but where it was read from and what the `missing` rules find."""
    tally = Tally()
    leaves(what, "", of_application(ours, missing), of_application(other, missing), tally)
    return tally


def of_application(report: dict, missing: tuple[str, ...]) -> dict:
    """The report without what tells of its source: `source`, `losses`, how the finding on losses puts them, and findings of `missing` rules."""
    kept = {name: value for name, value in report.items() if name not in ("source", "losses")}
    kept["findings"] = [
        {"rule": finding["rule"]} if finding["rule"] == "data-incomplete" else finding
        for finding in report["findings"]
        if finding["rule"] not in missing
    ]
    return kept


def leaves(what: str, path: str, ours, other, tally: Tally) -> None:
    if isinstance(ours, dict) and isinstance(other, dict):
        for name in [*ours, *(name for name in other if name not in ours)]:
            leaves(what, f"{path}.{name}" if path else name, ours.get(name), other.get(name), tally)
    elif isinstance(ours, list) and isinstance(other, list) and len(ours) == len(other):
        for at, (one, two) in enumerate(zip(ours, other)):
            leaves(what, f"{path}[{at}]", one, two, tally)
    else:
        tally.compared += 1
        if not same(ours, other):
            tally.different.append(f"{what} {path}: {short(ours)} from the file, {short(other)}")


def label(key: tuple[str, ...], name: tuple) -> str:
    return " ".join(f"{field}={value}" for field, value in zip(key, name))


def short(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
