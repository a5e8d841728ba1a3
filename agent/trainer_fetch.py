"""What a run fetches: the base model and datasets of the hub, datasets at a URL."""
import hashlib
import http.client
import ipaddress
import os
import re
import socket
import ssl
import time
import urllib.parse

from trainer_base import DISK_ERRORS, RANK, Failure, say, seconds
from trainer_data import Dataset, dataset_kind

MODEL_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]   # weights as safetensors only: a pickle may run code
NOT_NEEDED = ["original/*", "onnx/*", "consolidated*", "*/consolidated*"]
REDIRECTS = 5
URL_CHARACTERS = "%/?:@!$&'()*+,;=~[]"


def hub_failure(error, what):
    """The hub's refusals in our words; None for what is none of them."""
    from huggingface_hub import errors
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError) or status in (401, 403) and not isinstance(error, errors.RepositoryNotFoundError):
        return "GATED", "%s is gated: the Hugging Face token must be of an account that was let in." % what
    if isinstance(error, errors.RevisionNotFoundError):
        return "MISSING", "%s has no such revision." % what
    if isinstance(error, errors.RepositoryNotFoundError) or status == 404:
        return "MISSING", "%s does not exist on the hub, or is private%s." % (what, "" if os.environ.get("HF_TOKEN") else " and no token was given")
    if isinstance(error, (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, errors.OfflineModeIsEnabled, ConnectionError, TimeoutError)):
        return "UNREACHABLE", "%s could not be downloaded: %s" % (what, str(error)[:400])
    return None


def download_model(run):
    """The model's files in the hub's cache; sets the commit that they are of."""
    from huggingface_hub import constants, snapshot_download
    folder = os.path.join(constants.HF_HUB_CACHE, "models--" + run.model_name.replace("/", "--"))
    run.watch.download(lambda: occupied(folder) + occupied(constants.HF_XET_CACHE))
    try:
        path = snapshot_download(run.model_name, revision=run.revision, allow_patterns=MODEL_FILES, ignore_patterns=NOT_NEEDED, max_workers=4)
    except Exception as error:
        kind, text = hub_failure(error, "The model %s" % run.model_name) or (None, None)
        if kind is None:
            raise
        raise Failure({"GATED": "MODEL_GATED", "MISSING": "MODEL_NOT_FOUND", "UNREACHABLE": "DOWNLOAD_FAILED"}[kind], text)
    finally:
        run.watch.prepare()
    if not any(name.endswith(".safetensors") for name in os.listdir(path)):
        raise Failure("MODEL_UNSUPPORTED", "The model %s has no safetensors weights; pickled ones are not loaded, since they may run code." % run.model_name)
    run.commit = os.path.basename(path)
    say("model %s at commit %s" % (run.model_name, run.commit))


def occupied(folder):
    """Bytes on disk: a file made in its full size before its content comes does not count."""
    total = 0
    for top, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(top, name)).st_blocks * 512
            except OSError:
                pass
    return total


def hub_dataset(watch):
    def load(source):
        import datasets
        from huggingface_hub import HfApi
        name, split, revision = (source.get(key) for key in ("name", "split", "revision"))
        what = "The dataset %s" % name
        watch.download(lambda: occupied(datasets.config.HF_CACHE_HOME))
        try:
            commit = HfApi().dataset_info(name, revision=revision, timeout=30).sha
            rows = datasets.load_dataset(name, split=split or "train", revision=commit)
        except Exception as error:
            cause, found = error, None
            while cause is not None and found is None:
                found, cause = hub_failure(cause, what), cause.__cause__ or cause.__context__
            if found is None and isinstance(error, (ValueError, datasets.exceptions.DatasetsError, FileNotFoundError)):
                raise Failure("DATASET_INVALID", "%s cannot be read: %s" % (what, str(error)[:500]))
            if found is None:
                raise
            raise Failure("DOWNLOAD_FAILED" if found[0] == "UNREACHABLE" else "DATASET_INVALID", found[1])
        finally:
            watch.prepare()
        say("dataset %s at commit %s, %s: %d rows" % (name, commit, split or "train", len(rows)))
        digest = hashlib.sha256(("%s\n%s\n%s" % (name, commit, split)).encode()).hexdigest()
        # A column that a row lacks is null in Arrow.
        return Dataset(name, lambda: ((i, {k: v for k, v in row.items() if v is not None}) for i, row in enumerate(rows, 1)), digest)
    return load


# ── a URL ───────────────────────────────────────────────────────────────────────────────────────
def fetch_url(watch):
    def fetch(url, folder):
        limit = seconds("TRAINER_MAX_DOWNLOAD_BYTES", 20 << 30)
        deadline = time.monotonic() + seconds("TRAINER_URL_SECONDS", 3600)
        name = ".fetched-%d." % RANK    # every worker fetches, and none knows of the others yet
        part = os.path.join(folder, name + "part")
        watch.download(lambda: os.path.getsize(part) if os.path.exists(part) else 0)
        try:
            for _ in range(REDIRECTS + 1):
                connection, answer = ask(url, min(60, max(1, deadline - time.monotonic())))
                try:
                    if answer.status in (301, 302, 303, 307, 308) and answer.getheader("Location"):
                        url = urllib.parse.urljoin(url, answer.getheader("Location"))
                        continue
                    if answer.status != 200:
                        raise Failure("DATASET_INVALID", "The dataset's URL answers %d." % answer.status)
                    kind = kind_of(url, answer.getheader("Content-Type") or "")
                    receive(answer, part, limit, deadline)
                finally:
                    connection.close()
                path = os.path.join(folder, name + kind)
                os.replace(part, path)
                return path
            raise Failure("DATASET_INVALID", "The dataset's URL redirects more than %d times." % REDIRECTS)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:
                raise
            raise Failure("DOWNLOAD_FAILED", "The dataset's URL could not be fetched: %s" % error)
        except ValueError:
            raise Failure("DATASET_INVALID", "The dataset's URL, or where it redirects to, is not a valid address.")
        finally:
            watch.prepare()
    return fetch


def kind_of(url, content_type):
    name = urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]
    types = {"application/json": "json", "text/csv": "csv", "application/jsonl": "jsonl", "application/x-ndjson": "jsonl"}
    known = types.get(content_type.split(";")[0].strip().lower())
    return dataset_kind(name) if known is None or "." in name else known


def receive(answer, part, limit, deadline):
    got = 0
    with open(part, "wb") as out:
        while True:
            block = answer.read1(1 << 20)
            if not block:
                break
            got += len(block)
            if got > limit:
                raise Failure("DATASET_INVALID", "The dataset at the URL has more than %d bytes." % limit)
            if time.monotonic() > deadline:
                raise Failure("DOWNLOAD_FAILED", "The dataset's URL took too long.")
            out.write(block)
    if answer.length:
        raise Failure("DOWNLOAD_FAILED", "The dataset's URL was cut off after %d bytes." % got)


def ask(url, timeout):
    """→ (connection, answer). The address that was looked at is the one that is called."""
    parts = urllib.parse.urlsplit(url)
    private = os.environ.get("TRAINER_ALLOW_PRIVATE_URLS") == "1"    # for tests
    if parts.scheme != "https" and not (private and parts.scheme == "http") or not parts.hostname or parts.username or parts.password:
        raise Failure("DATASET_INVALID", "The dataset's URL must be https, without credentials.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)[0][4][0]
    if not private and not ipaddress.ip_address(re.sub(r"%.*", "", address)).is_global:
        raise Failure("DATASET_INVALID", "The dataset's URL leads to a private address.")
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=timeout)
    connection.default_port = 443 if parts.scheme == "https" else 80    # a signature may be of the Host header, without a port
    connection.sock = socket.create_connection((address, port), timeout=timeout)
    if parts.scheme == "https":
        connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=parts.hostname)
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    connection.request("GET", urllib.parse.quote(target, safe=URL_CHARACTERS), headers={"User-Agent": "runpod-subgraph-trainer"})
    return connection, connection.getresponse()
