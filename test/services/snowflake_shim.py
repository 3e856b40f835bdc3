"""
A stand-in for Snowflake: fakesnow (DuckDB behind Snowflake's protocol), whose Arrow answers are turned into the JSON
rowsets that snowflake-sdk for Node reads. As with Snowflake, a long result comes in chunks that are fetched on their own,
a wrong password is refused, and `alter session` is taken (fakesnow has none; here it changes nothing).

    python snowflake_shim.py PORT PASSWORD
"""

import datetime
import decimal
import gzip
import json
import sys
import uuid
from base64 import b64decode

import uvicorn
import fakesnow.server
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHUNK_ROWS = 5_000
# What of results is kept for fetching, newest last.
KEPT_RESULTS = 64

FORMATS = {
    "BINARY_OUTPUT_FORMAT": "HEX",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS.FF9",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM",
}
EPOCH = datetime.datetime(1970, 1, 1)

results: dict[str, list[bytes]] = {}


def as_text(value):
    """A value as Snowflake writes it in a JSON rowset."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper()
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            return f"{seconds(value.astimezone(datetime.UTC).replace(tzinfo=None))} 1440"
        return seconds(value)
    if isinstance(value, datetime.date):
        return str((value - EPOCH.date()).days)
    if isinstance(value, datetime.time):
        return f"{value.hour * 3600 + value.minute * 60 + value.second}.{value.microsecond * 1000:09d}"
    return str(value)


def seconds(value):
    """Of the epoch, as one number: half a second before it is -0.5."""
    micros = (value - EPOCH) // datetime.timedelta(microseconds=1)
    sign = "-" if micros < 0 else ""
    return f"{sign}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000 * 1000:09d}"


def to_rows(table, rowtype):
    columns = [[as_text(v) for v in column.to_pylist()] for column in table.columns]
    return list(zip(*columns)) if columns else []


server = sys.modules["fakesnow.server"]
server.to_sf = to_rows
server.to_ipc = lambda rows: json.dumps(rows).encode()


connect = server.shared_fs.connect
server.shared_fs.connect = lambda *args, **more: connect(*args, **{**more, "nop_regexes": [r"^alter session"]})


async def login(request):
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    if json.loads(body)["data"].get("PASSWORD") != sys.argv[2]:
        message = "Incorrect username or password was specified."
        return JSONResponse({"data": {}, "code": "390100", "message": message, "success": False})
    return await server.login_request(request)


async def query(request):
    answer = await server.query_request(request)
    body = json.loads(answer.body)
    data = body.get("data")
    if body.get("success") and data:
        if data.pop("queryResultFormat", None) == "arrow":
            data["rowset"] = json.loads(b64decode(data.pop("rowsetBase64")) or b"[]")
        data["queryResultFormat"] = "json"
        data["parameters"] = [{"name": n, "value": v} for n, v in {"TIMEZONE": "UTC", **FORMATS}.items()]
        rows = data.get("rowset", [])
        data["returned"] = len(rows)
        data["version"] = 1
        chunk(request, data, rows)
    return JSONResponse(body, status_code=answer.status_code)


def chunk(request, data, rows):
    if len(rows) <= CHUNK_ROWS:
        return
    name = uuid.uuid4().hex
    parts = [rows[at : at + CHUNK_ROWS] for at in range(CHUNK_ROWS, len(rows), CHUNK_ROWS)]
    texts = [json.dumps(part)[1:-1].encode() for part in parts]
    results[name] = [gzip.compress(text, 1) for text in texts]
    while len(results) > KEPT_RESULTS:
        del results[next(iter(results))]
    data["rowset"] = rows[:CHUNK_ROWS]
    data["chunks"] = [
        {
            "url": f"{request.url.scheme}://{request.url.netloc}/chunks/{name}/{at}",
            "rowCount": len(part),
            "uncompressedSize": len(texts[at]),
            "compressedSize": len(results[name][at]),
        }
        for at, part in enumerate(parts)
    ]


async def read_chunk(request):
    parts = results.get(request.path_params["name"])
    if parts is None:
        return Response(status_code=403)
    return Response(parts[int(request.path_params["at"])], headers={"Content-Encoding": "gzip"})


ROUTES = [
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/chunks/{name}/{at}", read_chunk),
    Route("/telemetry/send", lambda _: JSONResponse({"success": True}), methods=["POST"]),
    *server.routes,
]

if __name__ == "__main__":
    uvicorn.run(Starlette(routes=ROUTES), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
