"""Makes the files beside it, as the libraries of the trainers' users write them: `python3 make.py` with pyarrow 26.0.1."""
import os

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))
TURN = pa.struct([("role", pa.string()), ("content", pa.string())])
CHATS = [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Grüße, 世界 🚀"}],
         [{"role": "system", "content": ""}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
         [{"role": "user", "content": "Hi"}]]
SHARED = [[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]] * 2
TEXTS = ["one", "Grüße, 世界 🚀", "one", "three"]


def write(name, columns, schema=None, **options):
    table = pa.table(columns, schema=schema)
    pq.write_table(table, os.path.join(HERE, name + ".parquet"), store_schema=False, **options)


chats = pa.schema([("messages", pa.list_(TURN))])
for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
    write("text-" + codec, {"id": [1, 2, 3, 4], "text": TEXTS}, compression=codec)
write("messages", {"messages": CHATS}, chats)
write("messages-v2", {"messages": CHATS}, chats, data_page_version="2.0", compression="zstd")
write("messages-legacy", {"messages": CHATS}, chats, use_compliant_nested_type=False)
write("messages-pages", {"messages": CHATS}, chats, data_page_size=1, write_batch_size=1)
write("messages-groups", {"messages": CHATS * 3}, chats, row_group_size=2)
write("messages-large", {"messages": CHATS}, pa.schema([("messages", pa.large_list(TURN))]))
write("messages-null-turn", {"messages": [CHATS[0], [None], [{"role": "user", "content": None}], [], None]}, chats)
write("conversations", {"conversations": SHARED, "source": ["a", "b"]})
write("prompt-completion", {"prompt": ["a", "b"], "completion": ["c", "d"]})
write("alpaca", {"instruction": ["a", "b", "c"], "input": ["x", "", None], "output": ["d", "e", "f"]})
write("alpaca-null-input", {"instruction": ["a", "b"], "input": pa.nulls(2), "output": ["c", "d"]})
write("text-required", {"text": TEXTS}, pa.schema([pa.field("text", pa.string(), nullable=False)]))
write("text-plain", {"text": TEXTS}, use_dictionary=False)
write("text-delta-length", {"text": TEXTS}, use_dictionary=False, column_encoding={"text": "DELTA_LENGTH_BYTE_ARRAY"})
write("text-delta", {"text": TEXTS + ["three and more"]}, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"})
write("text-categories", {"text": pa.array(TEXTS).dictionary_encode()})
write("text-groups", {"text": ["a", "b", "c", "d", None, " ", "g"]}, row_group_size=3)
write("mixed", {"text": ["a", None, "c"], "prompt": [None, "b", None], "completion": [None, "c", None]})
write("empty", {"text": []}, pa.schema([("text", pa.string())]))
write("one", {"text": ["a"]})
write("binary", {"text": [b"a", b"\xff"]})
write("numbers", {"text": [1, 2]})
write("texts-as-messages", {"messages": ["[]", "[]"]})
write("parts", {"messages": [[{"role": "user", "content": [{"type": "text", "text": "a"}]}]] * 2})
write("no-role", {"messages": [[{"content": "a"}]] * 2})
write("prompt-only", {"prompt": ["a", "b"]})
write("other", {"name": ["a", "b"], "age": [1, 2]})
