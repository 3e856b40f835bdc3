import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { RecordBatch } from '../../src/domain/record-batch.ts'
import { orderBatches, type OrdersOptions } from './order-batches.ts'

/**
 * The measured orders on disk, so that no measured process makes them: for each batch, little-endian, count, partition,
 * bytes and 0 as u32, first offset as i64, then timestamps (f64), key and value starts and ends (i32 each), the bytes.
 */
const HEADER_BYTES = 24
/** A time, and where key and value begin and end. */
const BYTES_A_RECORD = 8 + 4 * 4

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
    // One buffer a batch, as a log has it: the records, then what is known of them.
    const stored = count * BYTES_A_RECORD
    const parts = Math.ceil(size / 8) * 8
    const own = new Uint8Array(parts + stored + count * 12)
    own.set(whole.subarray(at + stored, at + stored + size))
    own.set(whole.subarray(at, at + stored), parts)
    at += stored + size
    const { buffer } = own
    const numbers = (index: number): Int32Array => new Int32Array(buffer, parts + count * (8 + 4 * index), count)
    const offsetDeltas = numbers(4)
    for (let i = 0; i < count; i += 1) offsetDeltas[i] = i
    batches.push({
      topic,
      partition,
      first,
      next: first + BigInt(count),
      count,
      bytes: own,
      offsetDeltas,
      timestampsMs: new Float64Array(buffer, parts, count),
      keyStarts: numbers(0),
      keyEnds: numbers(1),
      valueStarts: numbers(2),
      valueEnds: numbers(3),
      headersStarts: numbers(5),
      headersEnds: numbers(6),
      skips: [],
    })
  }
  return batches
}
