"""A small hub on this machine: what `huggingface_hub` and `datasets` ask for, and tiny models made on the spot."""
import hashlib
import http.server
import json
import os
import subprocess
import threading
import urllib.parse

# The venv that has the trainer's libraries; without it the suites that need them are skipped.
PYTHON = os.environ.get("TRAINING_PYTHON", "")

MAKE_MODELS = r"""
import os, sys
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

root = sys.argv[1]
words = "the quick brown fox jumps over a lazy dog while pods train small models user assistant system hello world".split()
lines = [" ".join(words[(i * 7 + j * (i % 5 + 1)) % len(words)] for j in range(10)) for i in range(200)]
bpe = Tokenizer(models.BPE())
bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
bpe.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=384, special_tokens=["<s>", "</s>", "<pad>"],
                                                   initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
shape = dict(vocab_size=384, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=256, bos_token_id=0, eos_token_id=1, pad_token_id=2)
CHATML = "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{{ eos_token }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
for name, make, template in (("tiny/llama", lambda: LlamaForCausalLM(LlamaConfig(**shape)), None),
                             ("tiny/qwen3", lambda: Qwen3ForCausalLM(Qwen3Config(**shape, head_dim=16)), CHATML),
                             ("gated/llama", lambda: LlamaForCausalLM(LlamaConfig(**shape)), None)):
    torch.manual_seed(0)
    folder = os.path.join(root, "models", name)
    model = make()
    with torch.no_grad():                       # random weights this small change no logits by themselves
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
"""


def make_models(root):
    subprocess.run([PYTHON, "-c", MAKE_MODELS, root], check=True, timeout=180, stdout=subprocess.DEVNULL)
    # Pickled weights only: nothing that may be loaded.
    folder = os.path.join(root, "models", "tiny", "pickled")
    os.makedirs(folder, exist_ok=True)
    for name, data in (("config.json", b'{"model_type":"llama"}'), ("pytorch_model.bin", b"\x80\x04.")):
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)


def commit_of(name):
    return hashlib.sha1(name.encode()).hexdigest()


class Hub:
    """Serves root/models/OWNER/NAME and root/datasets/OWNER/NAME. Owner `gated` wants the token `hf_let_in`.

    `stall` (path ending) → bytes after which an answer for it hangs until the hub closes.
    """

    def __init__(self, root):
        self.seen, self.stall, hub = [], {}, self
        self.over = threading.Event()

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_args):
                pass

            def say(self, status, data=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def tell(self, value):
                self.say(200, json.dumps(value).encode(), Content_Type="application/json")

            def do_GET(self):
                path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                hub.seen.append((self.command, path))
                if path.startswith("/plain/"):
                    return self.plain(path[7:])
                api = path.startswith("/api/")
                parts = path[5:].split("/") if api else path[1:].split("/")
                kind = "datasets" if parts[0] == "datasets" else "models"
                parts = parts[1:] if parts[0] in ("datasets", "models") else parts
                name, rest = "/".join(parts[:2]), parts[2:]
                folder = os.path.join(root, kind, name)
                if not os.path.isdir(folder):
                    return self.say(404, X_Error_Code="RepoNotFound")
                if name.startswith("gated/") and self.headers.get("Authorization") != "Bearer hf_let_in":
                    if not (api and rest[:1] in ([], ["revision"])):
                        return self.say(401 if "Authorization" not in self.headers else 403, X_Error_Code="GatedRepo")
                revision = rest[1] if len(rest) > 1 else "main"
                if revision not in ("main", "v1", commit_of(name)):
                    return self.say(404, X_Error_Code="RevisionNotFound")
                files = sorted(os.path.relpath(os.path.join(top, f), folder) for top, _, names in os.walk(folder) for f in names)
                if api and rest[:1] in ([], ["revision"]):
                    return self.tell({"id": name, "sha": commit_of(name), "private": False, "gated": False, "tags": [], "downloads": 0, "likes": 0,
                                      "siblings": [{"rfilename": f} for f in files]})
                if api and rest[0] == "tree":
                    under = "".join(part + "/" for part in rest[2:])
                    inside = [f for f in files if f.startswith(under)]
                    if "recursive=True" not in self.path and "recursive=true" not in self.path:
                        folders = sorted({under + f[len(under):].split("/")[0] for f in inside if "/" in f[len(under):]})
                        inside = [f for f in inside if "/" not in f[len(under):]]
                        return self.tell([{"type": "directory", "path": f, "size": 0, "oid": commit_of(f)} for f in folders]
                                         + [self.entry(folder, f) for f in inside])
                    return self.tell([self.entry(folder, f) for f in inside])
                if api and rest[0] == "paths-info":
                    wanted = json.loads(body).get("paths", []) if body[:1] == b"{" else urllib.parse.parse_qs(body.decode()).get("paths", [])
                    return self.tell([self.entry(folder, f) for f in files if f in wanted])
                if rest[:1] == ["resolve"] and "/".join(rest[2:]) in files:
                    return self.file(os.path.join(folder, *rest[2:]), name)
                self.say(404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit_of(name))

            do_HEAD = do_POST = do_GET

            def plain(self, name):
                """A web server's files; `to-NAME` redirects to NAME."""
                if name.startswith("to-"):
                    return self.say(302, Location="/plain/" + name[3:])
                path = os.path.join(root, "plain", os.path.basename(name))
                if not os.path.isfile(path):
                    return self.say(404)
                with open(path, "rb") as source:
                    self.say(200, source.read(), Content_Type="application/octet-stream")

            def entry(self, folder, file):
                with open(os.path.join(folder, file), "rb") as source:
                    data = source.read()
                return {"type": "file", "path": file, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

            def file(self, path, name):
                with open(path, "rb") as source:
                    data = source.read()
                first, status, extra = 0, 200, {}
                if self.headers.get("Range", "").startswith("bytes="):
                    first = int(self.headers["Range"][6:].split("-")[0])
                    status, extra = 206, {"Content-Range": "bytes %d-%d/%d" % (first, len(data) - 1, len(data))}
                self.send_response(status)
                for header, value in {"ETag": '"%s"' % hashlib.sha1(data).hexdigest(), "X-Repo-Commit": commit_of(name), "Accept-Ranges": "bytes",
                                      "Content-Length": str(len(data) - first), **extra}.items():
                    self.send_header(header, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                cut = next((n for ending, n in hub.stall.items() if path.endswith(ending)), None)
                self.wfile.write(data[first:] if cut is None else data[first:cut])
                if cut is not None:
                    self.wfile.flush()
                    hub.over.wait(120)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """Clients that were killed break their connections."""

        self.server = Server(("127.0.0.1", 0), Answer)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self._thread.join(5)
        self.server.server_close()
