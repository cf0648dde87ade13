"""Holds what skewer reads from an S3-compatible server on loopback against what it reads from the same logs as files.

Usage: check.py SKEWER LOGS     run by the python that setup.sh prints

The server checks signatures and policies. Reports, tables and lists have to be the same to the byte; every way of being refused has to
be one line that names what to do, within seconds, with no secret in it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

import boto3

BUCKET, PREFIX = "logs", "spark/events"
failures = []


def main(skewer: str, logs: Path) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(endpoint)
        reader, stranger = fill(endpoint, logs)
        check(Skewer(skewer, endpoint, reader), logs)
        check_refusals(skewer, endpoint, reader, stranger)
    finally:
        server.terminate()
        server.wait(20)
    print(f"object store: {len(failures)} failures")
    sys.exit(1 if failures else 0)


class Skewer:
    """skewer with an environment of its own: nothing but what is given here is read."""

    def __init__(self, program: str, endpoint: str, keys: tuple[str, str] | None, **more: str):
        self.program = program
        self.keys = keys
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": "/nonexistent", "XDG_CACHE_HOME": "/dev/null"}
        self.env |= {"AWS_ENDPOINT": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
        if keys:
            self.env |= {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}
        self.env |= more

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.program, *arguments], env=self.env, capture_output=True, timeout=120)


def fill(endpoint: str, logs: Path) -> tuple[tuple[str, str], tuple[str, str]]:
    """Uploads the logs, makes a user who may read them and one who may not, and has the server check from then on."""
    root = {"endpoint_url": endpoint, "aws_access_key_id": "root", "aws_secret_access_key": "root", "region_name": "us-east-1"}
    s3, iam = boto3.client("s3", **root), boto3.client("iam", **root)
    for bucket in (BUCKET, "private"):
        s3.create_bucket(Bucket=bucket)
    for file in sorted(logs.rglob("*")):
        if file.is_file():
            s3.upload_file(str(file), BUCKET, f"{PREFIX}/{file.relative_to(logs)}")
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/", Body=b"")
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/deeper/than/one", Body=b"{")
    s3.put_object(Bucket=BUCKET, Key="other/notes.txt", Body=b"no event log")
    with tempfile.NamedTemporaryFile(suffix=".zip") as packed:
        zip_of(rolling(logs), Path(packed.name))
        s3.upload_file(packed.name, BUCKET, "zips/logs.zip")
    keys = []
    for user in ("reader", "stranger"):
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        keys.append((key["AccessKeyId"], key["SecretAccessKey"]))
    allowed = [
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::nowhere-at-all"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy)
    checks = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
    urllib.request.urlopen(checks).read()
    return keys[0], keys[1]


def check(skewer: Skewer, logs: Path) -> None:
    names = sorted(path.name for path in logs.iterdir())
    for name in names:
        for command in (["report"], ["report", "--format", "json"], ["export", "--table", "tasks"], ["export", "--table", "stages", "--format", "json"]):
            same(skewer, command, f"s3://{BUCKET}/{PREFIX}/{name}", str(logs / name))
    ended = next(name for name in names if name.endswith(".inprogress")) if any(n.endswith(".inprogress") for n in names) else None
    same(skewer, ["report"], f"s3a://{BUCKET}/{PREFIX}/{rolling(logs).name}/", str(rolling(logs)))
    finished = next(name for name in names if name.endswith(".zstd"))
    same(skewer, ["report"], f"s3://{BUCKET}/{PREFIX}/{finished}.inprogress", str(logs / finished))
    for folder in (f"s3://{BUCKET}/{PREFIX}", f"s3://{BUCKET}/{PREFIX}/"):
        same(skewer, ["apps", "--format", "json"], folder, str(logs), without_times)
    id = json.loads(skewer.run("apps", str(logs), "--format", "json").stdout)[0]["id"]
    same(skewer, ["report", "--app", id], f"s3://{BUCKET}/{PREFIX}", str(logs))
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "logs.zip"
        zip_of(rolling(logs), packed)
        same(skewer, ["report"], f"s3://{BUCKET}/zips/logs.zip", str(packed))
    assert ended, "no log in progress among the fixtures"


def check_refusals(program: str, endpoint: str, reader: tuple[str, str], stranger: tuple[str, str]) -> None:
    key = f"s3://{BUCKET}/{PREFIX}/none"
    with silent() as (silent_port, _):
        nobody = f"http://127.0.0.1:{free_port()}"
        metadata = {"AWS_METADATA_ENDPOINT": f"http://127.0.0.1:{silent_port}"}
        cases = [
            ("no such key", Skewer(program, endpoint, reader), key, "no such object"),
            ("no such prefix", Skewer(program, endpoint, reader), f"s3://{BUCKET}/nothing/", "no object lies under"),
            ("no log there", Skewer(program, endpoint, reader), f"s3://{BUCKET}/other", "no event log"),
            ("no such bucket", Skewer(program, endpoint, reader), "s3://nowhere-at-all/x", "no such bucket"),
            ("another's bucket", Skewer(program, endpoint, reader), "s3://private/x", "403"),
            ("no rights", Skewer(program, endpoint, stranger), key, "403"),
            ("no rights to list", Skewer(program, endpoint, stranger), f"s3://{BUCKET}/", "403"),
            ("wrong secret", Skewer(program, endpoint, (reader[0], "wrong-secret")), key, "does not know these credentials"),
            ("unknown id", Skewer(program, endpoint, ("AKIAUNKNOWN", "s3cr3t-value")), key, "does not know these credentials"),
            ("no credentials", Skewer(program, endpoint, None, **metadata), key, "AWS_ACCESS_KEY_ID"),
            ("no http", Skewer(program, endpoint, reader, AWS_ALLOW_HTTP="false"), key, "AWS_ALLOW_HTTP=true"),
            ("nobody there", Skewer(program, nobody, reader), key, "connection refused"),
            ("no bucket", Skewer(program, endpoint, reader), "s3://", "write s3://bucket/path"),
        ]
        for what, skewer, target, words in cases:
            for command in ("report", "apps"):
                refused(f"{what}, {command}", skewer, command, target, words)


def refused(what: str, skewer: Skewer, command: str, target: str, words: str) -> None:
    start = time.monotonic()
    done = skewer.run(command, target)
    took, said = time.monotonic() - start, done.stderr.decode()
    problems = []
    if done.returncode not in (2, 3) or done.stdout:
        problems.append(f"exit status {done.returncode}")
    if words not in said or said.count("\n") != 1:
        problems.append(f"expected one line with {words!r}")
    if took > 10:
        problems.append(f"took {took:.1f} s")
    if skewer.keys and any(secret in said for secret in skewer.keys) or "X-Amz" in said:
        problems.append("tells a secret")
    report(f"refused: {what} ({took:.1f} s)", problems and [*problems, said])


def same(skewer: Skewer, command: list[str], remote: str, local: str, plain=lambda text: text) -> None:
    ours, theirs = (skewer.run(command[0], target, *command[1:]) for target in (remote, local))
    problems = []
    if ours.returncode or theirs.returncode:
        problems.append(f"exit status {ours.returncode}, from the file {theirs.returncode}: {ours.stderr.decode()}")
    elif not ours.stdout or plain(ours.stdout) != plain(theirs.stdout):
        problems.append("the output differs")
    report(f"{' '.join(command)} {remote}", problems)


def without_times(listed: bytes) -> bytes:
    """A list without the time of each log's last change: an object's is that of its upload."""
    return re.sub(rb'"lastUpdated[^,}\n]*,?', b"", listed)


def report(what: str, problems: list[str]) -> None:
    if problems:
        failures.append(what)
        print(f"FAILED  {what}: {'; '.join(problems)}")


def rolling(logs: Path) -> Path:
    return next(path for path in sorted(logs.iterdir()) if path.name.startswith("eventlog_v2_rolled"))


def zip_of(folder: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.iterdir()):
            packed.write(file, f"{folder.name}/{file.name}")


class silent:
    """A server that takes connections and never answers, as what stands in for a metadata service may."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        return self.socket.getsockname()[1], self.socket

    def __exit__(self, *_):
        self.socket.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_for(endpoint: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).read()
            return
        except OSError:
            time.sleep(0.5)
    sys.exit("the S3 server did not start")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]))
