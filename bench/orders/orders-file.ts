import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { RecordBatch } from '../../src/domain/record-batch.ts'
import { orderBatches, type OrdersOptions } from './order-batches.ts'

/**
 * The measured orders on disk, so that no measured process makes them: for each batch, little-endian, count, partition,
 * bytes and 0 as u32, first offset as i64, then timestamps (f64), key and value starts and ends (i32 each), the bytes.
 */
const HEADER_BYTES = 24

export function writeOrdersFile(file: string, options: OrdersOptions): void {
  const out = openSync(file, 'w')
  try {
    for (const { batch } of orderBatches(options)) {
      const header = Buffer.alloc(HEADER_BYTES)
      header.writeUInt32LE(batch.count, 0)
      header.writeUInt32LE(batch.partition, 4)
      header.writeUInt32LE(batch.bytes.length, 8)
      header.writeBigInt64LE(batch.first, 16)
      const { timestampsMs, keyStarts, keyEnds, valueStarts, valueEnds, bytes } = batch
      for (const part of [header, timestampsMs, keyStarts, keyEnds, valueStarts, valueEnds, bytes]) writeSync(out, part)
    }
  } finally {
    closeSync(out)
  }
}

/** Batches over buffers of their own, as a log hands them over. */
export function readOrdersFile(file: string, topic = 'orders'): RecordBatch[] {
  const whole = readFileSync(file)
  const batches: RecordBatch[] = []
  for (let at = 0; at < whole.length;) {
    const count = whole.readUInt32LE(at)
    const partition = whole.readUInt32LE(at + 4)
    const size = whole.readUInt32LE(at + 8)
    const first = whole.readBigInt64LE(at + 16)
    at += HEADER_BYTES
    const take = (bytes: number): ArrayBuffer => {
      const copy = new Uint8Array(whole.subarray(at, at + bytes)).buffer
      at += bytes
      return copy
    }
    const timestampsMs = new Float64Array(take(count * 8))
    const [keyStarts, keyEnds, valueStarts, valueEnds] = [0, 1, 2, 3].map(() => new Int32Array(take(count * 4))) as [
      Int32Array,
      Int32Array,
      Int32Array,
      Int32Array,
    ]
    batches.push({
      topic,
      partition,
      first,
      next: first + BigInt(count),
      count,
      bytes: new Uint8Array(take(size)),
      offsetDeltas: Int32Array.from({ length: count }, (_, i) => i),
      timestampsMs,
      keyStarts,
      keyEnds,
      valueStarts,
      valueEnds,
      headersStarts: new Int32Array(count),
      headersEnds: new Int32Array(count),
      skips: [],
    })
  }
  return batches
}
