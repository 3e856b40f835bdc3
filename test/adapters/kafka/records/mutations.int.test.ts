import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { PartitionReader } from '../../../../src/adapters/kafka/records/partition-reader.ts'
import { SluiceError } from '../../../../src/domain/errors.ts'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type RecordBatch,
} from '../../../../src/domain/record-batch.ts'
import { CODECS, encodeBatch, withChecksum, type TestRecord } from '../encode-batch.ts'
import { registerCodecs } from '../kafkajs-codecs.ts'

/**
 * Damaged batches: an error that names the place, or the right records; never a crash, a hang or memory without bound.
 * Half of them get a checksum that fits the damage, since a producer may send anything at all.
 */

const MUTANTS = 100_000
const MAX_UNPACKED = 1 << 20
const KEPT_BACK = 'kept back'

registerCodecs()
const require = createRequire(import.meta.url)
/* eslint-disable typescript/no-unsafe-type-assertion -- kafkajs declares no types for its inside */
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object
const decodeRecordBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<{ readonly records: readonly KafkajsRecord[] }>
/* eslint-enable */

interface KafkajsRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
}

test(`${MUTANTS} mutated batches give an error or the right records, and memory stays bounded`, async (t) => {
  const seed = Number(process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const random = randomOf(seed)
  const originals = CODECS.map((codec) => encodeBatch({ baseOffset: 100n, records: someRecords(30, random), codec }))
  const expected = originals.map((wire) => readAll(wire))
  const counts = { sameRecords: 0, otherRecords: 0, nothing: 0, refused: 0, keptBack: 0, agreed: 0, headersRefused: 0 }
  const before = process.memoryUsage.rss()
  for (let i = 0; i < MUTANTS; i += 1) {
    const which = i % originals.length
    const { wire, mended } = mutate(originals[which]!, random)
    let read: string[]
    try {
      read = readAll(wire)
    } catch (error) {
      assert.ok(error instanceof SluiceError && error.code === 'LOG_CORRUPT', `mutant ${i}: ${String(error)}`)
      counts.refused += 1
      continue
    }
    if (read.length === 0) counts.nothing += 1
    else if (read.at(-1) === KEPT_BACK) counts.keptBack += 1
    else if (read.join() === expected[which]!.join()) counts.sameRecords += 1
    else {
      counts.otherRecords += 1
      // Only a checksum that fits, or the base offset and what is outside of the checksum, lets other records through.
      assert.ok(mended || !wire.subarray(0, 21).equals(originals[which]!.subarray(0, 21)), `mutant ${i}`)
      // kafkajs reads headers along, and past their end: a count of millions would make it as many headers of nothing.
      if (!headersHold(wire)) {
        counts.headersRefused += 1
        continue
      }
      const oracle = await readWithKafkajs(wire)
      if (oracle === null) continue
      assert.deepEqual(read, oracle, `mutant ${i}`)
      counts.agreed += 1
    }
  }
  t.diagnostic(JSON.stringify(counts))
  assert.ok(counts.refused > MUTANTS / 2)
  assert.ok(counts.agreed > 0)
  const grownMb = (process.memoryUsage.rss() - before) / 1e6
  // A cap that does not hold would cost gigabytes; the collector alone lets some 200 MB stand.
  assert.ok(grownMb < 600, `${grownMb} MB more`)
})

function readerOf(wire: Buffer): PartitionReader {
  return new PartitionReader({
    topic: 't',
    partition: 0,
    wire,
    aborted: [],
    from: 0n,
    maxUnpackedBytes: MAX_UNPACKED,
  })
}

function headersHold(wire: Buffer): boolean {
  const reader = readerOf(wire)
  try {
    for (let batch = reader.read(1e6); batch !== null; batch = reader.read(1e6)) {
      for (let i = 0; i < batch.count; i += 1) readHeaders(batch, i)
    }
    return true
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error))
    return false
  }
}

function readAll(wire: Buffer): string[] {
  const reader = readerOf(wire)
  const read: string[] = []
  for (;;) {
    const batch: RecordBatch | null = reader.read(1e6)
    if (batch === null) return read
    // States more than the cap, in whatever part of it was damaged: what it holds is not looked at.
    if (batch.keptBack !== undefined) return [...read, KEPT_BACK]
    for (let i = 0; i < batch.count; i += 1) {
      const at = `${recordOffset(batch, i)} ${batch.timestampsMs[i]}`
      read.push(`${at} ${hex(recordKey(batch, i))} ${hex(recordValue(batch, i))}`)
    }
  }
}

/** Null where kafkajs does not read it. */
async function readWithKafkajs(wire: Buffer): Promise<string[] | null> {
  try {
    const { records } = await decodeRecordBatch(new Decoder(wire))
    // Where a time passes what a calendar holds, ours is the last that it does.
    const within = (time: number): number => Math.max(-8.64e15, Math.min(8.64e15, time))
    return records.map(
      ({ offset, timestamp, key, value }) => `${offset} ${within(Number(timestamp))} ${hex(key)} ${hex(value)}`,
    )
  } catch {
    return null
  }
}

function hex(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : Buffer.from(bytes).toString('hex')
}

function mutate(original: Buffer, random: () => number): { readonly wire: Buffer; readonly mended: boolean } {
  const below = (most: number): number => Math.floor(random() * most)
  let wire = Buffer.from(original)
  const changes = 1 + below(3)
  for (let i = 0; i < changes; i += 1) {
    const kind = below(10)
    if (kind === 0) wire = wire.subarray(0, below(wire.length))
    else if (kind === 1) wire = Buffer.concat([wire, Buffer.from([below(256)])])
    else if (kind === 2 && wire.length > 8) wire.writeUInt32BE(below(2 ** 32), below(wire.length - 4))
    else if (wire.length > 0) wire[below(wire.length)] = below(256)
  }
  const mended = wire.length >= 61 && random() < 0.7
  if (mended) {
    wire = Buffer.from(wire)
    wire.writeInt32BE(wire.length - 12, 8)
    withChecksum(wire)
  }
  return { wire, mended }
}

function someRecords(count: number, random: () => number): TestRecord[] {
  const bytes = (): Buffer | null =>
    random() < 0.1 ? null : Buffer.from(`order-${Math.floor(random() * 50)}-`.repeat(Math.floor(random() * 12)))
  return Array.from({ length: count }, (_, delta) => ({
    delta,
    timeMs: 1_700_000_000_000 + Math.floor(random() * 1000),
    key: bytes(),
    value: bytes(),
  }))
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
