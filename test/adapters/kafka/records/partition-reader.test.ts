import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PartitionReader, type PartitionBytes } from '../../../../src/adapters/kafka/records/partition-reader.ts'
import { movableBatch, wholeBuffers } from '../../../../src/adapters/workers/whole-buffers.ts'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type BatchSkip,
  type RecordBatch,
} from '../../../../src/domain/record-batch.ts'
import { CODECS, encodeBatch, encodeMarker, withChecksum, type TestBatch, type TestRecord } from '../encode-batch.ts'

const MAX_UNPACKED = 1 << 24

test('every codec, nulls, empties, headers and times come back as another encoder wrote them', () => {
  fc.assert(
    fc.property(fc.array(aBatch, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 100_000 }), (made, max) => {
      const { wire, expected, next } = layOut(made)
      const batches = readAll({ wire, from: 0n }, max)
      assert.deepEqual(batches.flatMap(plainOf), expected)
      assertCovered(batches, 0n, next)
    }),
    { numRuns: 300 },
  )
})

test('reading from any offset gives exactly the records from there on', () => {
  fc.assert(
    fc.property(fc.array(aBatch, { minLength: 1, maxLength: 4 }), fc.nat(), (made, somewhere) => {
      const { wire, expected, next } = layOut(made)
      const from = BigInt(somewhere) % next
      const batches = readAll({ wire, from }, 1_000_000)
      const rest = expected.filter(({ offset }) => offset >= from)
      assert.deepEqual(batches.flatMap(plainOf), rest)
      if (rest.length > 0) assertCovered(batches, from, next)
    }),
    { numRuns: 300 },
  )
})

test('a batch that the fetch cut off is left for the next fetch', () => {
  const whole = encodeBatch({ baseOffset: 0n, records: some(3) })
  const second = encodeBatch({ baseOffset: 3n, records: some(3) })
  for (let length = 0; length < second.length; length += 1) {
    const wire = Buffer.concat([whole, second.subarray(0, length)])
    const [batch, ...more] = readAll({ wire, from: 0n }, 1e6)
    assert.deepEqual(more, [])
    assert.equal(batch?.next, 3n)
  }
})

test('a record that the contract never sees for its broker’s own marks is a skip with its reason', () => {
  const wire = Buffer.concat([
    encodeBatch({ baseOffset: 0n, records: some(2), producerId: 7n, transactional: true }),
    encodeBatch({ baseOffset: 2n, records: some(2), producerId: 8n, transactional: true }),
    encodeMarker(4n, { producerId: 7n, commit: true }),
    encodeMarker(5n, { producerId: 8n, commit: false }),
    encodeBatch({ baseOffset: 6n, records: some(1), producerId: 8n, transactional: true }),
    encodeMarker(7n, { producerId: 8n, commit: true }),
  ])
  const batches = readAll({ wire, from: 0n, aborted: [{ producerId: 8n, firstOffset: 2n }] }, 1e6)
  assert.deepEqual(batches.flatMap(offsetsOf), [0n, 1n, 6n])
  assert.deepEqual(
    batches.flatMap(({ skips }) => skips),
    [skip(2n, 4n, 'aborted'), skip(4n, 6n, 'control'), skip(7n, 8n, 'control')],
  )
  assertCovered(batches, 0n, 8n)
})

test('an abort that spans fetches hides its records in each of them', () => {
  const aborted = [{ producerId: 8n, firstOffset: 0n }]
  const parts = [0n, 2n, 4n].map((baseOffset) =>
    encodeBatch({ baseOffset, records: some(2), producerId: 8n, transactional: true }),
  )
  const marker = encodeMarker(6n, { producerId: 8n, commit: false })
  const after = encodeBatch({ baseOffset: 7n, records: some(2), producerId: 8n, transactional: true })
  // Every way to cut the log into two fetches.
  const log = [...parts, marker, after]
  const starts = [0n, 2n, 4n, 6n, 7n, 9n]
  for (let cut = 0; cut <= log.length; cut += 1) {
    const from = starts[cut]!
    const one = readAll({ wire: Buffer.concat(log.slice(0, cut)), from: 0n, aborted }, 1e6)
    // The broker lists what overlaps the range that it answers.
    const listed = from <= 6n ? aborted : []
    const two = readAll({ wire: Buffer.concat(log.slice(cut)), from, aborted: listed }, 1e6)
    assert.deepEqual([...one, ...two].flatMap(offsetsOf), [7n, 8n], `cut ${cut}`)
  }
})

test('another producer’s open abort and records outside transactions are left alone', () => {
  const wire = Buffer.concat([
    encodeBatch({ baseOffset: 0n, records: some(1), producerId: 8n, transactional: true }),
    encodeBatch({ baseOffset: 1n, records: some(1), producerId: 9n, transactional: true }),
    encodeBatch({ baseOffset: 2n, records: some(1), producerId: 8n }),
    encodeBatch({ baseOffset: 3n, records: some(1) }),
    encodeMarker(4n, { producerId: 9n, commit: true }),
    encodeMarker(5n, { producerId: 8n, commit: false }),
  ])
  const batches = readAll({ wire, from: 0n, aborted: [{ producerId: 8n, firstOffset: 0n }] }, 1e6)
  assert.deepEqual(batches.flatMap(offsetsOf), [1n, 2n, 3n])
})

test('what compaction removed, between batches, inside them and at their end, is a skip', () => {
  const wire = Buffer.concat([
    encodeBatch({ baseOffset: 3n, records: [1, 2, 5].map(at), lastOffsetDelta: 8 }),
    encodeBatch({ baseOffset: 12n, records: [], lastOffsetDelta: 3 }),
    encodeBatch({ baseOffset: 20n, records: [0].map(at) }),
  ])
  for (const max of [1, 1e6]) {
    const batches = readAll({ wire, from: 0n }, max)
    assert.deepEqual(batches.flatMap(offsetsOf), [4n, 5n, 8n, 20n])
    assertCovered(batches, 0n, 21n)
    assert.ok(batches.every(({ skips }) => skips.every(({ reason }) => reason === 'compacted')))
  }
})

test('marks and gaps that no record follows are kept back, and come with the next record', () => {
  const marker = encodeMarker(5n, { producerId: 8n, commit: false })
  const first = open({ wire: Buffer.concat([marker]), from: 5n })
  assert.equal(first.read(1e6), null)
  assert.equal(first.next, 6n)
  assert.deepEqual(first.trailing, { first: 5n, skips: [skip(5n, 6n, 'control')] })
  const wire = encodeBatch({ baseOffset: 6n, records: some(1) })
  const batch = open({ wire, from: 6n, before: first.trailing }).read(1e6)
  assert.deepEqual([batch?.first, batch?.next, batch?.skips], [5n, 7n, [skip(5n, 6n, 'control')]])
})

test('with LogAppendTime the batch’s time is every record’s', () => {
  const wire = encodeBatch({ baseOffset: 0n, records: some(3), logAppendTimeMs: 1_700_000_000_321 })
  const [batch] = readAll({ wire, from: 0n }, 1e6)
  assert.deepEqual([...batch!.timestampsMs], Array(3).fill(1_700_000_000_321))
})

test('a gap too long for 32-bit deltas comes as a batch of its own', () => {
  const far = 2n ** 40n
  const wire = Buffer.concat([
    encodeBatch({ baseOffset: 0n, records: some(1) }),
    encodeBatch({ baseOffset: far, records: some(1) }),
  ])
  const batches = readAll({ wire, from: 0n }, 1e6)
  assert.deepEqual(batches.flatMap(offsetsOf), [0n, far])
  assertCovered(batches, 0n, far + 1n)
})

test('I12: a batch that is, or unpacks to, more than the cap comes without its records, in every codec', () => {
  const records = [
    { delta: 0, timeMs: 1, key: null, value: Buffer.alloc(3_000_000) },
    { delta: 1, timeMs: 7, key: null, value: Buffer.alloc(10) },
  ]
  for (const codec of CODECS) {
    const large = encodeBatch({ baseOffset: 9n, records, codec })
    const wire = Buffer.concat([
      encodeBatch({ baseOffset: 7n, records: some(1) }),
      large,
      encodeBatch({ baseOffset: 11n, records: some(2) }),
    ])
    const batches = readAll({ wire, from: 7n, maxUnpackedBytes: 1_000_000 }, 1e6)
    assert.deepEqual(
      batches.map(({ first, next, count, skips, keptBack }) => [first, next, count, skips, keptBack?.maxBytes]),
      [
        [7n, 8n, 1, [], undefined],
        // What compaction took is told before, since every offset of what is kept back counts as a record.
        [8n, 9n, 0, [skip(8n, 9n, 'compacted')], undefined],
        [9n, 11n, 2, [], 1_000_000],
        [11n, 13n, 2, [], undefined],
      ],
      codec,
    )
    const kept = batches[2]!
    assert.deepEqual([recordValue(kept, 0), kept.timestampsMs[0], kept.bytes.length], [null, 7, 0])
    assert.equal(kept.keptBack?.bytes, codec === 'none' ? large.length - 61 : null)
    assert.equal(readAll({ wire, from: 10n, maxUnpackedBytes: 1_000_000 }, 1e6)[0]?.first, 10n)
    assert.equal(readAll({ wire: large, from: 9n }, 1e6)[0]?.count, 2)
  }
})

test('I12: what is kept back of a batch of many records comes in parts, and a damaged or aborted one is no such batch', () => {
  const records = Array.from({ length: 25_000 }, (_, delta) => ({ delta, timeMs: 1, key: null, value: null }))
  const wire = encodeBatch({ baseOffset: 0n, records, codec: 'lz4' })
  const parts = (from: bigint): bigint[][] =>
    readAll({ wire, from, maxUnpackedBytes: 1_000 }, 1e6).map(({ first, next }) => [first, next])
  assert.deepEqual(parts(0n), [
    [0n, 10_000n],
    [10_000n, 20_000n],
    [20_000n, 25_000n],
  ])
  assert.deepEqual(parts(24_999n), [[24_999n, 25_000n]])
  const reader = open({ wire, from: 0n, maxUnpackedBytes: 1_000 })
  assert.equal(reader.read(1)?.next, 10_000n)
  assert.ok(reader.aheadBytes! > 10_000, 'what is kept back counts toward what a fetch may bring')
  assert.equal(reader.leftBytes, wire.length)

  const broken = Buffer.from(wire)
  broken.fill(0xff, 80, 90)
  assert.throws(() => readAll({ wire: withChecksum(broken), from: 0n, maxUnpackedBytes: 1_000 }, 1e6), {
    code: 'LOG_CORRUPT',
  })
  const aborted = encodeBatch({ baseOffset: 0n, records, codec: 'lz4', producerId: 8n, transactional: true })
  const then = encodeBatch({ baseOffset: 25_000n, records: some(1) })
  const [only] = readAll(
    {
      wire: Buffer.concat([aborted, then]),
      from: 0n,
      maxUnpackedBytes: 1_000,
      aborted: [{ producerId: 8n, firstOffset: 0n }],
    },
    1e6,
  )
  assert.deepEqual([only?.keptBack, only?.skips, only?.count], [undefined, [skip(0n, 25_000n, 'aborted')], 1])
})

test('what was unpacked stands with its positions in one buffer, which goes to another thread whole and uncopied', () => {
  const wire = Buffer.concat([0n, 5n].map((baseOffset) => encodeBatch({ baseOffset, records: some(5), codec: 'lz4' })))
  const [batch, ...more] = readAll({ wire, from: 0n }, 1e6)
  assert.deepEqual([batch!.count, more.length], [10, 0])
  const views: ArrayBufferView[] = []
  const movable = movableBatch(batch!, views)
  assert.deepEqual(wholeBuffers(views), [batch!.bytes.buffer])
  for (const view of [
    movable.bytes,
    movable.offsetDeltas,
    movable.timestampsMs,
    movable.valueStarts,
    movable.headersEnds,
  ])
    assert.equal(view.buffer, batch!.bytes.buffer)
})

test('a reader that is closed lets go of what was unpacked from it, and of nothing that a batch stands in', () => {
  for (const codec of CODECS) {
    const bytes = encodeBatch({ baseOffset: 0n, records: some(5), codec })
    const wire = Buffer.allocUnsafeSlow(bytes.length)
    bytes.copy(wire)
    const reader = open({ wire, from: 0n })
    const batch = reader.read(1e6)!
    const before = plainOf(batch)
    reader.close()
    reader.close()
    assert.deepEqual(plainOf(batch), before)
    assert.equal((wire.buffer as ArrayBuffer).detached, codec !== 'none')
    assert.equal(reader.read(1e6), null)
  }
})

test('readers of several partitions in turn do not tread on what the others have ahead of them', () => {
  const wireOf = (seed: number, codec: TestBatch['codec']): Buffer =>
    Buffer.concat(
      Array.from({ length: 8 }, (_, i) =>
        encodeBatch({
          baseOffset: BigInt(i * 2),
          records: [0, 1].map((delta) => ({
            delta,
            timeMs: i,
            key: null,
            value: Buffer.from(`${seed}-${i}-${delta} `.repeat(40)),
          })),
          ...(codec === undefined ? {} : { codec }),
        }),
      ),
    )
  for (const codec of CODECS) {
    const wires = [1, 2, 3].map((seed) => wireOf(seed, codec))
    const readers = wires.map((wire) => open({ wire, from: 0n }))
    const read = wires.map((): RecordBatch[] => [])
    for (let left = true; left;) {
      left = false
      for (const [i, reader] of readers.entries()) {
        // Two batches of the wire at a time: a third is unpacked, and waits.
        const batch = reader.read(1_200)
        if (batch === null) continue
        left = true
        read[i]!.push(batch)
      }
    }
    for (const [i, wire] of wires.entries())
      assert.deepEqual(read[i]!.flatMap(plainOf), readAll({ wire, from: 0n }, 1e6).flatMap(plainOf), codec)
  }
})

test('in room that is used again for every fetch the batches are the same', () => {
  for (const codec of CODECS) {
    const wire = Buffer.concat(
      Array.from({ length: 12 }, (_, i) => {
        const value = Buffer.from(`${i} `.repeat(30 + i * 7))
        const records = [0, 1, 2].map((delta) => ({ delta, timeMs: i, key: Buffer.from(`k${i}`), value }))
        return encodeBatch({ baseOffset: BigInt(i * 3), records, ...(codec === undefined ? {} : { codec }) })
      }),
    )
    const room = new ArrayBuffer(1 << 20)
    const reader = open({ wire, from: 0n })
    const read: unknown[] = []
    for (;;) {
      new Uint8Array(room).fill(0xee)
      let at = 8
      const span = (bytes: number): Uint8Array<ArrayBuffer> => {
        const given = new Uint8Array(room, at, bytes)
        at += Math.ceil(bytes / 8) * 8
        return given
      }
      const fetched = [reader.read(1_500, { span }), reader.read(1_500, { span })].filter((each) => each !== null)
      if (fetched.length === 0) break
      for (const batch of fetched) assert.ok(batch.bytes.buffer === room || codec === 'none' || batch.count <= 3, codec)
      read.push(...fetched.flatMap(plainOf))
    }
    assert.deepEqual(read, readAll({ wire, from: 0n }, 1_500).flatMap(plainOf), codec)
  }
})

test('a damaged batch stops the reading, and what came before it is given first', () => {
  const good = encodeBatch({ baseOffset: 0n, records: some(2) })
  const bad = encodeBatch({ baseOffset: 2n, records: some(2) })
  bad[bad.length - 1]! ^= 1
  const reader = open({ wire: Buffer.concat([good, bad]), from: 0n })
  assert.equal(reader.read(1e6)?.next, 2n)
  assert.throws(() => reader.read(1e6), { code: 'LOG_CORRUPT', message: /checksum/ })
  assert.throws(() => reader.read(1e6), { code: 'LOG_CORRUPT' })
})

test('old message formats, unknown codecs and lengths that lie are named', () => {
  const tampered = (change: (batch: Buffer) => void): Buffer => {
    const batch = encodeBatch({ baseOffset: 0n, records: some(2) })
    change(batch)
    return withChecksum(batch)
  }
  const cases: [RegExp, Buffer][] = [
    [/message format 1, written by a producer older/, tampered((batch) => batch.writeInt8(1, 16))],
    [/message format 3, and only 2/, tampered((batch) => batch.writeInt8(3, 16))],
    [/codec 6/, tampered((batch) => batch.writeInt16BE(6, 21))],
    [/states 3 records in 2 offsets/, tampered((batch) => batch.writeInt32BE(3, 57))],
    [/bytes follow its last record/, tampered((batch) => batch.writeInt32BE(1, 57))],
    [/shorter than its own header/, tampered((batch) => batch.writeInt32BE(20, 8))],
    [
      /states 2147483647 records in \d+ bytes/,
      tampered((batch) => {
        batch.writeInt32BE(2 ** 31 - 1, 57)
        batch.writeInt32BE(2 ** 31 - 1, 23)
      }),
    ],
  ]
  for (const [message, wire] of cases)
    assert.throws(() => open({ wire, from: 0n }).read(1e6), { code: 'LOG_CORRUPT', message })
})

const bytes = fc.option(fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)))
const aBatch = fc.record({
  codec: fc.constantFrom(...CODECS),
  gap: fc.nat({ max: 3 }),
  logAppendTimeMs: fc.option(fc.integer({ min: 0, max: 2_000_000_000_000 }), { nil: undefined }),
  records: fc.array(
    fc.record({
      gap: fc.nat({ max: 2 }),
      timeMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
      key: bytes,
      value: bytes,
      headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), bytes), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 40 },
  ),
})

interface Plain {
  readonly offset: bigint
  readonly timeMs: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string])[]
}

/** Batches one behind the other, with gaps as compaction leaves them, and what they hold. */
function layOut(made: readonly (typeof aBatch extends fc.Arbitrary<infer T> ? T : never)[]): {
  readonly wire: Buffer
  readonly expected: Plain[]
  readonly next: bigint
} {
  const expected: Plain[] = []
  const parts: Buffer[] = []
  let next = 0n
  for (const { codec, gap, records, logAppendTimeMs } of made) {
    const baseOffset = next + BigInt(gap)
    let delta = -1
    const laid = records.map((record): TestRecord => ({ ...record, delta: (delta += 1 + record.gap) }))
    for (const { delta: by, timeMs, key, value, headers } of laid) {
      expected.push({
        offset: baseOffset + BigInt(by),
        timeMs: logAppendTimeMs ?? timeMs,
        key: key?.toString('hex') ?? null,
        value: value?.toString('hex') ?? null,
        headers: headers!.map(([name, each]) => [name, each?.toString('hex') ?? ''] as const),
      })
    }
    const batch: TestBatch = {
      baseOffset,
      records: laid,
      codec,
      ...(logAppendTimeMs === undefined ? {} : { logAppendTimeMs }),
    }
    parts.push(encodeBatch(batch))
    next = baseOffset + BigInt(delta) + 1n
  }
  return { wire: Buffer.concat(parts), expected, next }
}

function plainOf(batch: RecordBatch): Plain[] {
  const hex = (each: Uint8Array | null): string | null => (each === null ? null : Buffer.from(each).toString('hex'))
  return Array.from({ length: batch.count }, (_, i) => ({
    offset: recordOffset(batch, i),
    timeMs: batch.timestampsMs[i]!,
    key: hex(recordKey(batch, i)),
    value: hex(recordValue(batch, i)),
    headers: readHeaders(batch, i).map(({ key, value }) => [key, hex(value)!] as const),
  }))
}

function offsetsOf(batch: RecordBatch): bigint[] {
  return Array.from({ length: batch.count }, (_, i) => recordOffset(batch, i))
}

/** Batches join up, and each of their offsets is one record or lies in one skip. */
function assertCovered(batches: readonly RecordBatch[], from: bigint, next: bigint): void {
  let at = from
  for (const batch of batches) {
    assert.equal(batch.first, at)
    const ranges = [
      ...offsetsOf(batch).map((offset) => [offset, offset + 1n] as const),
      ...batch.skips.map((each) => [each.first, each.next] as const),
    ].toSorted(([a], [b]) => (a < b ? -1 : 1))
    for (const [first, end] of ranges) {
      assert.equal(first, at)
      assert.ok(end > first)
      at = end
    }
    assert.equal(batch.next, at)
  }
  assert.equal(at, next)
}

type Some = Pick<PartitionBytes, 'wire' | 'from'> & Partial<PartitionBytes>

function open(some: Some): PartitionReader {
  return new PartitionReader({ topic: 't', partition: 1, aborted: [], maxUnpackedBytes: MAX_UNPACKED, ...some })
}

function readAll(some: Some, maxBytes: number): RecordBatch[] {
  const reader = open(some)
  const batches: RecordBatch[] = []
  for (;;) {
    const batch = reader.read(maxBytes)
    if (batch === null) return batches
    batches.push(batch)
  }
}

function at(delta: number): TestRecord {
  return { delta, timeMs: 1000 + delta, key: Buffer.from(`k${delta}`), value: Buffer.from(`v${delta}`) }
}

function some(count: number): TestRecord[] {
  return Array.from({ length: count }, (_, i) => at(i))
}

function skip(first: bigint, next: bigint, reason: BatchSkip['reason']): BatchSkip {
  return { first, next, reason }
}
