# Behind by-hand.py: the measured orders from a file that is in memory. Arguments: FILE ROWS TABLE SCHEMA.
import array, struct

FLUSH_ROWS = 200_000


def batches(data):
    at = 0
    while at < len(data):
        count, partition, size, _, first = struct.unpack_from("<IIIIq", data, at)
        at += 24 + count * 8
        arrays = []
        for _ in range(4):
            values = array.array("i")
            values.frombytes(data[at : at + count * 4])
            arrays.append(values)
            at += count * 4
        body = data[at : at + size]
        at += size
        yield partition, first, arrays[2], arrays[3], body


with open(sys.argv[1], "rb") as handle:
    data = handle.read(most * 300)

started, cpu = time.perf_counter(), used()
for partition, first, starts, ends, body in batches(data):
    if rows >= most:
        break
    for i in range(len(starts)):
        take(body[starts[i] : ends[i]], partition, first + i)
    if len(held) >= FLUSH_ROWS:
        flush()
flush()
report(started, cpu)
