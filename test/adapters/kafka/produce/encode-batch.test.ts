import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KafkaCompression } from '../../../../src/adapters/kafka/kafka-settings.ts'
import { encodeBatch } from '../../../../src/adapters/kafka/produce/encode-batch.ts'
import { PartitionReader } from '../../../../src/adapters/kafka/records/partition-reader.ts'
import {
  encodeHeaders,
  readHeaders,
  recordKey,
  recordValue,
  type OutgoingRecord,
} from '../../../../src/domain/record-batch.ts'

const COMPRESSIONS: readonly KafkaCompression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }))
const plainRecord: fc.Arbitrary<OutgoingRecord> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(
    fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 5 }), value: fc.uint8Array({ maxLength: 5 }) }),
    {
      maxLength: 2,
    },
  ),
  timestampMs: fc.integer({ min: 0, max: 2 ** 51 }),
})

/** Some have their headers encoded already. */
const record = fc
  .tuple(plainRecord, fc.boolean())
  .map(([each, atHand]) => (atHand ? { ...each, encodedHeaders: encodeHeaders(each.headers) } : each))

test('what is written is read back, in every codec and however far the times are apart', () => {
  fc.assert(
    fc.property(
      fc.array(record, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...COMPRESSIONS),
      (records, compression) => {
        const wire = encodeBatch({
          records,
          compression,
          producerId: 7n,
          producerEpoch: 2,
          sequence: 9,
          transactional: false,
        })
        assert.deepEqual([wire.readBigInt64BE(43), wire.readInt16BE(51), wire.readInt32BE(53)], [7n, 2, 9])
        const source = { topic: 't', partition: 0, wire, aborted: [], from: 0n, maxUnpackedBytes: 1e6 }
        const batch = new PartitionReader(source).read(1e6)!
        const plain = (each: Uint8Array | null): number[] | null => (each === null ? null : [...each])
        assert.deepEqual(
          records.map((_, i) => ({
            key: plain(recordKey(batch, i)),
            value: plain(recordValue(batch, i)),
            headers: readHeaders(batch, i).map(({ key, value }) => [key, plain(value)]),
            timestampMs: batch.timestampsMs[i],
          })),
          records.map(({ key, value, headers, timestampMs }) => ({
            key: plain(key),
            value: plain(value),
            headers: headers.map((header) => [header.key, plain(header.value)]),
            timestampMs,
          })),
        )
      },
    ),
    { numRuns: 200 },
  )
})
