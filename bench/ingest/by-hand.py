"""An order by hand in Python: fastavro, rules as code, pyarrow, deltalake. What follows it says where messages come from."""
import io, json, re, resource, sys, time
from datetime import datetime, timezone

import fastavro
import pyarrow as pa
from deltalake import write_deltalake

most, table, schema_text = int(sys.argv[2]), sys.argv[3], sys.argv[4]
options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
schema = fastavro.parse_schema(json.loads(schema_text))
CURRENCY = re.compile(r"[A-Z]{3}")
SKU = re.compile(r"[A-Z]{2}-[0-9]{6}(-[A-Z0-9]{1,4})?")
CHANNELS = {"web", "app", "store", "phone", "partner"}

ARROW = pa.schema([
    ("order_id", pa.int64()), ("customer_id", pa.int64()), ("status", pa.string()), ("currency", pa.string()),
    ("country", pa.string()), ("channel", pa.string()), ("amount", pa.decimal128(12, 2)), ("quantity", pa.int32()),
    ("discount", pa.float64()), ("gift", pa.bool_()), ("sku", pa.string()), ("ship_to", pa.string()),
    ("note", pa.string()), ("placed_at", pa.timestamp("us", tz="UTC")), ("_topic", pa.string()),
    ("_partition", pa.int32()), ("_offset", pa.int64()), ("_ingest_ts", pa.timestamp("us", tz="UTC")),
])


def good(o):
    return (
        o["order_id"] >= 1 and 1 <= o["customer_id"] <= 9_999_999_999
        and CURRENCY.fullmatch(o["currency"]) is not None
        and (o["country"] is None or len(o["country"]) == 2)
        and o["channel"] in CHANNELS and 0 <= o["amount"] <= 1_000_000 and 1 <= o["quantity"] <= 1000
        and (o["discount"] is None or 0 <= o["discount"] <= 1)
        and SKU.fullmatch(o["sku"]) is not None
        and o["ship_to"] is not None and len(o["ship_to"]) <= 120
        and (o["note"] is None or len(o["note"]) <= 140)
    )


rows, refused, held = 0, 0, []
now = datetime.now(timezone.utc)
used = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def take(message, partition, offset):
    global rows, refused
    rows += 1
    try:
        if message[0] != 0:
            raise ValueError
        stream = io.BytesIO(message[5:])
        order = fastavro.schemaless_reader(stream, schema)
        if stream.read(1) or not good(order):
            raise ValueError
    except Exception:
        refused += 1
        return
    order["_topic"], order["_partition"], order["_offset"], order["_ingest_ts"] = "orders", partition, offset, now
    held.append(order)


def flush():
    if held:
        write_deltalake(table, pa.Table.from_pylist(held, schema=ARROW), mode="append", storage_options=options)
        held.clear()


def report(started, cpu):
    assert 0 < refused < rows / 20, refused
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"wallSeconds": time.perf_counter() - started, "cpuSeconds": used() - cpu, "peakBytes": peak}))
