import type { RecordBatch } from '../../domain/record-batch.ts'

/**
 * The buffers that may move to another thread instead of being copied: those that the given views cover whole. A buffer
 * of which only a part was handed over stays, since the rest is someone else's (Node's pool of small buffers, say); its
 * views are copied.
 */
export function wholeBuffers(views: readonly ArrayBufferView[]): ArrayBuffer[] {
  const moved = new Set<ArrayBuffer>()
  for (const { buffer, byteLength } of views) {
    if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength && byteLength > 0) moved.add(buffer)
  }
  return [...moved]
}

type Numbers = Int32Array | Float64Array

/** The batch over buffers that can all move, which `views` then covers: what shares a buffer with strangers is copied. */
export function movableBatch(batch: RecordBatch, views: ArrayBufferView[]): RecordBatch {
  // A Buffer's own `slice` is another view of the same bytes.
  const bytes = isWhole(batch.bytes) ? batch.bytes : Uint8Array.prototype.slice.call(batch.bytes)
  views.push(bytes)
  const own = <T extends Numbers>(view: T): T => {
    // What stands in the records' own buffer moves along with it.
    if (view.buffer === bytes.buffer) return view
    const mine = isWhole(view) ? view : (view.slice() as T)
    views.push(mine)
    return mine
  }
  return {
    ...batch,
    bytes,
    offsetDeltas: own(batch.offsetDeltas),
    timestampsMs: own(batch.timestampsMs),
    keyStarts: own(batch.keyStarts),
    keyEnds: own(batch.keyEnds),
    valueStarts: own(batch.valueStarts),
    valueEnds: own(batch.valueEnds),
    headersStarts: own(batch.headersStarts),
    headersEnds: own(batch.headersEnds),
  }
}

function isWhole({ byteLength, buffer }: ArrayBufferView): boolean {
  return byteLength === buffer.byteLength
}

/** Bytes that a batch brings: what is in flight until it is judged (I12). */
export function recordBytes({ bytes, count }: RecordBatch): number {
  return bytes.byteLength + count * BYTES_A_RECORD
}

/** Six positions, an offset and a time. */
const BYTES_A_RECORD = 7 * 4 + 8
