import { writeVarint } from './varint.ts'

/**
 * Snappy's raw format (google/snappy, format_description.txt): the length, then literals and copies of what came before.
 * No library compresses it without a native add-on, whose buffers outlive synchronous calls.
 */

/** Copies reach no further back than this, and no match crosses the border of a block. */
const BLOCK_BYTES = 1 << 16
const HASH_BITS = 14
const MIN_MATCH = 4
const MAX_COPY = 64
/** Below this, copying byte by byte beats the call of a bulk copy. */
const SHORT_LITERAL = 40

/** The largest size that `bytes` bytes can take. */
export function snappyBound(bytes: number): number {
  return 32 + bytes + Math.ceil(bytes / 6)
}

export function snappyEncode(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(snappyBound(bytes.length))
  const sink: Sink = { out, at: writeVarint(bytes.length, out, 0) }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    encodeBlock(bytes, view, { start, end: Math.min(start + BLOCK_BYTES, bytes.length) }, sink)
  }
  return out.slice(0, sink.at)
}

interface Sink {
  readonly out: Uint8Array
  at: number
}

const table = new Int32Array(1 << HASH_BITS)

function encodeBlock(
  bytes: Uint8Array,
  view: DataView,
  { start, end }: { readonly start: number; readonly end: number },
  sink: Sink,
): void {
  // Places are kept from the block's start plus one, so that 0 stands for none.
  table.fill(0)
  const last = end - MIN_MATCH
  let literal = start
  let at = start
  /** What does not compress is passed over in ever longer strides. */
  let misses = 32
  while (at <= last) {
    const word = view.getInt32(at, true)
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const candidate = start + table[slot]! - 1
    table[slot] = at - start + 1
    if (candidate < start || view.getInt32(candidate, true) !== word) {
      at += misses >>> 5
      misses += 1
      continue
    }
    misses = 32
    if (literal < at) writeLiteral(bytes, literal, at, sink)
    const match = at
    at += MIN_MATCH
    let behind = candidate + MIN_MATCH
    while (at < end && bytes[at] === bytes[behind]) {
      at += 1
      behind += 1
    }
    writeCopy(match - candidate, at - match, sink)
    literal = at
  }
  if (literal < end) writeLiteral(bytes, literal, end, sink)
}

function writeLiteral(bytes: Uint8Array, start: number, end: number, sink: Sink): void {
  const { out } = sink
  const size = end - start - 1
  if (size < 60) {
    out[sink.at] = size << 2
    sink.at += 1
  } else {
    const sizeBytes = size < 0x100 ? 1 : 2
    out[sink.at] = (59 + sizeBytes) << 2
    out[sink.at + 1] = size
    if (sizeBytes === 2) out[sink.at + 2] = size >>> 8
    sink.at += 1 + sizeBytes
  }
  if (size < SHORT_LITERAL) for (let i = start; i < end; i += 1) out[sink.at + i - start] = bytes[i]!
  else out.set(bytes.subarray(start, end), sink.at)
  sink.at += end - start
}

function writeCopy(distance: number, length: number, sink: Sink): void {
  let rest = length
  // A copy of 64 must not leave fewer than four behind.
  while (rest >= MAX_COPY + MIN_MATCH) {
    writeFarCopy(distance, MAX_COPY, sink)
    rest -= MAX_COPY
  }
  if (rest > MAX_COPY) {
    writeFarCopy(distance, MAX_COPY - MIN_MATCH, sink)
    rest -= MAX_COPY - MIN_MATCH
  }
  if (rest >= 12 || distance >= 2048) writeFarCopy(distance, rest, sink)
  else {
    sink.out[sink.at] = ((distance >>> 8) << 5) | ((rest - MIN_MATCH) << 2) | 1
    sink.out[sink.at + 1] = distance
    sink.at += 2
  }
}

function writeFarCopy(distance: number, length: number, sink: Sink): void {
  sink.out[sink.at] = ((length - 1) << 2) | 2
  sink.out[sink.at + 1] = distance
  sink.out[sink.at + 2] = distance >>> 8
  sink.at += 3
}
