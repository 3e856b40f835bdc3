import { SluiceError } from '../../../domain/errors.ts'
import type { TopicPartition } from '../../../domain/position.ts'
import { crc32cOf } from '../wire/crc32c.ts'

/**
 * One record batch of Kafka's message format, magic 2 (KIP-98, "RecordBatch"), big-endian:
 *
 *      0  i64  base offset            21  i16  attributes             43  i64  producer id
 *      8  i32  bytes after here       23  i32  last offset delta      51  i16  producer epoch
 *     12  i32  leader epoch           27  i64  base timestamp         53  i32  base sequence
 *     16  i8   magic                  35  i64  max timestamp          57  i32  count of records
 *     17  u32  CRC32C of [21, end)                                    61       records, packed as the attributes say
 */
export interface BatchFrame {
  readonly baseOffset: bigint
  /** Of the batch as it was written; records that compaction removed count. */
  readonly lastOffset: bigint
  readonly lastOffsetDelta: number
  readonly codec: number
  /** Every record then carries `maxTimestampMs`. */
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly producerId: bigint
  readonly count: number
  /** Where the batch, its records and its successor begin in the wire's bytes. */
  readonly start: number
  readonly payloadStart: number
  readonly end: number
}

export const FRAME_BYTES = 61
const LENGTH_BEFORE = 12
/** Length, attributes, time, offset, key, value and headers of a record take at least a byte each. */
const LEAST_RECORD_BYTES = 7

/**
 * The batch at `start`, its checksum proven; null where the bytes end before it does, as the last batch of a fetch may.
 * Throws LOG_CORRUPT.
 */
export function readFrame(wire: Buffer, start: number, at: TopicPartition): BatchFrame | null {
  if (wire.length - start < LENGTH_BEFORE + 5) return null
  const baseOffset = wire.readBigInt64BE(start)
  const length = wire.readInt32BE(start + 8)
  const magic = wire.readInt8(start + 16)
  if (magic !== 2) {
    const what =
      magic === 0 || magic === 1
        ? `it has message format ${magic}, written by a producer older than Kafka 0.11, and only 2 is read`
        : `it has message format ${magic}, and only 2 is known`
    throw corruptBatch(at, baseOffset, what)
  }
  const end = start + LENGTH_BEFORE + length
  if (length < FRAME_BYTES - LENGTH_BEFORE) throw corruptBatch(at, baseOffset, 'it is shorter than its own header')
  if (end > wire.length) return null
  if (wire.readUInt32BE(start + 17) !== crc32cOf(wire.subarray(start + 21, end))) {
    const next = baseOffset + BigInt(wire.readInt32BE(start + 23)) + 1n
    throw corruptBatch(at, baseOffset, `its checksum does not match (it says that offset ${next} follows it)`)
  }
  const attributes = wire.readInt16BE(start + 21)
  const lastOffsetDelta = wire.readInt32BE(start + 23)
  const count = wire.readInt32BE(start + 57)
  if (baseOffset < 0n || lastOffsetDelta < 0) throw corruptBatch(at, baseOffset, 'its offsets are impossible')
  if (count < 0 || count > lastOffsetDelta + 1) {
    throw corruptBatch(at, baseOffset, `it states ${count} records in ${lastOffsetDelta + 1} offsets`)
  }
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    lastOffsetDelta,
    codec: attributes & 0b111,
    logAppendTime: (attributes & 0b1000) !== 0,
    transactional: (attributes & 0b1_0000) !== 0,
    control: (attributes & 0b10_0000) !== 0,
    baseTimestampMs: Number(wire.readBigInt64BE(start + 27)),
    maxTimestampMs: Number(wire.readBigInt64BE(start + 35)),
    producerId: wire.readBigInt64BE(start + 43),
    count,
    start,
    payloadStart: start + FRAME_BYTES,
    end,
  }
}

/** Before anything is allocated for the records that a frame states. Throws LOG_CORRUPT. */
export function checkCount(frame: BatchFrame, payloadBytes: number, at: TopicPartition): void {
  if (frame.count * LEAST_RECORD_BYTES > payloadBytes) {
    throw corruptBatch(at, frame.baseOffset, `it states ${frame.count} records in ${payloadBytes} bytes`)
  }
}

export function corruptBatch(
  { topic, partition }: TopicPartition,
  offset: bigint,
  what: string,
  cause?: unknown,
): SluiceError {
  return new SluiceError('LOG_CORRUPT', `the batch at offset ${offset} of ${topic}/${partition} is damaged: ${what}`, {
    where: { topic, partition, offset: String(offset) },
    hint: 'Read it with another client; if it fails there too, pass it with `sluice checkpoint reset`, to the offset that follows it.',
    ...(cause === undefined ? {} : { cause }),
  })
}
