import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { RecordHeader } from '../../src/domain/dead-letter.ts'
import {
  readHeaders,
  recordKey,
  recordOffset,
  recordValue,
  type OutgoingRecord,
  type RecordBatch,
} from '../../src/domain/record-batch.ts'
import type { AppendedRange, AppendOutcome, FetchOutcome, TopicLog } from '../../src/ports/topic-log.ts'

/** One log, empty at first. */
export interface OpenedLog {
  readonly log: TopicLog
  /** Another handle over the same log, as another process would have. Earlier handles stay as they are. */
  readonly reopen: () => Promise<TopicLog>
  /** Whether `offsetAtTime` goes by the records' own times; else by append time. */
  readonly recordTimes?: boolean
  /** Deletes a topic behind the port's back; absent where the log under test cannot. */
  readonly deleteTopic?: (topic: string) => Promise<void>
  /** Closes every handle and removes the log. */
  readonly cleanup: () => Promise<void>
}

/** The promises of ports/topic-log.ts; every adapter passes them. */
export function topicLogConformance(name: string, open: () => Promise<OpenedLog>): void {
  const promise = (title: string, body: (opened: OpenedLog) => Promise<void>): void => {
    test(title, async () => {
      const opened = await open()
      try {
        await body(opened)
      } finally {
        await opened.cleanup()
      }
    })
  }

  describe(`${name} keeps the promises of a topic log`, () => {
    promise('a topic that was never made is unknown, and is named as such', async ({ log }) => {
      assert.deepEqual(await log.topics(), [])
      assert.equal(await log.describe('orders'), null)
      assert.deepEqual(await fetchAt(log, 0n), { kind: 'no_topic' })
      const unknown = { code: 'TOPIC_UNKNOWN', where: { topic: 'orders' } }
      await assert.rejects(log.append({ batches: [part(0, [text('a')])], state: null }), unknown)
      await assert.rejects(log.offsetAtTime({ topic: 'orders', partition: 0 }, 0), unknown)
    })

    promise('a partition that a topic does not have is unknown', async ({ log }) => {
      await log.create('orders', { partitions: 2, retentionMs: null })
      assert.deepEqual(await fetchAt(log, 0n, { partition: 2 }), { kind: 'no_topic' })
      await assert.rejects(log.append({ batches: [part(2, [text('a')])], state: null }), { code: 'TOPIC_UNKNOWN' })
    })

    promise(
      'a new topic is empty, its partitions count from 0 without gaps, and creating it again changes nothing',
      async ({ log, reopen }) => {
        const made = await log.create('orders', { partitions: 3, retentionMs: 5000 })
        assert.equal(made.topic, 'orders')
        assert.equal(made.retentionMs, 5000)
        assert.ok(made.source >= 0n && made.source < 2n ** 63n)
        assert.deepEqual(
          made.partitions,
          [0, 1, 2].map((partition) => ({ partition, start: 0n, end: 0n, limit: 0n, endTimeMs: null })),
        )
        assert.deepEqual(await log.create('orders', { partitions: 9, retentionMs: null }), made)
        assert.deepEqual(await (await reopen()).describe('orders'), made)
      },
    )

    promise('topics are listed by name', async ({ log }) => {
      for (const topic of ['b', 'a.errors', 'a']) await log.create(topic, { partitions: 1, retentionMs: null })
      assert.deepEqual(
        (await log.topics()).map(({ topic }) => topic),
        ['a', 'a.errors', 'b'],
      )
    })

    promise('two topics have two sources', async ({ log }) => {
      const a = await log.create('a', { partitions: 1, retentionMs: null })
      const b = await log.create('b', { partitions: 1, retentionMs: null })
      assert.notEqual(a.source, b.source)
    })

    promise(
      'an append that returned is seen by every other handle and outlives its own (durable)',
      async ({ log, reopen }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        const other = await reopen()
        await log.append({ batches: [part(0, [text('one'), text('two')])], state: null })
        assert.deepEqual(values(await fetchAt(other, 0n)), ['one', 'two'])
        await log.close()
        await other.close()
        assert.deepEqual(values(await fetchAt(await reopen(), 0n)), ['one', 'two'])
      },
    )

    promise('an append answers the offsets that it took, and they are dense', async ({ log }) => {
      await log.create('orders', { partitions: 2, retentionMs: null })
      const first = await log.append({ batches: [part(0, texts(3)), part(1, texts(1))], state: null })
      assert.deepEqual(first, { kind: 'appended', sequence: null, firsts: [range(0, 0n, 3n), range(1, 0n, 1n)] })
      const second = await log.append({ batches: [part(1, texts(2)), part(0, [])], state: null })
      assert.deepEqual(second, { kind: 'appended', sequence: null, firsts: [range(1, 1n, 3n), range(0, 3n, 3n)] })
      const ends = (await log.describe('orders'))?.partitions.map(({ end }) => end)
      assert.deepEqual(ends, [3n, 3n])
    })

    promise('records of one partition keep the order of their appends', async ({ log }) => {
      await log.create('orders', { partitions: 1, retentionMs: null })
      for (let i = 0; i < 5; i += 1) {
        await log.append({ batches: [part(0, [text(`${i}a`), text(`${i}b`)])], state: null })
      }
      const expected = [0, 1, 2, 3, 4].flatMap((i) => [`${i}a`, `${i}b`])
      assert.deepEqual(values(await fetchAt(log, 0n)), expected)
    })

    promise(
      'I12 a batch past the reader’s bound comes without its records, from any offset of it, and the next one follows',
      async ({ log }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        const large = Array.from({ length: 3 }, () => ({ ...text('v'.repeat(1_000)), timestampMs: 5_000 }))
        for (const records of [texts(1), large, texts(2), large]) {
          await log.append({ batches: [part(0, records)], state: null })
        }
        for (const from of [0n, 1n, 2n]) {
          const fetched = await fetchAt(log, from, { maxBatchBytes: 2_000 })
          assert.ok(fetched.kind === 'batches')
          const seen = fetched.batches.map(({ first, next, keptBack }) => [first, next, keptBack !== undefined])
          const inside = from === 2n ? 2n : 1n
          const all = [
            [0n, 1n, false],
            [inside, 4n, true],
            [4n, 6n, false],
            [6n, 9n, true],
          ]
          assert.deepEqual(seen, from === 0n ? all : all.slice(1))
          const kept = fetched.batches.find(({ keptBack }) => keptBack !== undefined)!
          assert.deepEqual([kept.bytes.length, kept.keptBack?.maxBytes, recordValue(kept, 0)], [0, 2_000, null])
          assert.equal(kept.count, Number(kept.next - kept.first))
          assert.ok(kept.keptBack!.bytes === null || kept.keptBack!.bytes > 3_000)
        }
        assert.deepEqual(values(await fetchAt(log, 7n)), ['v'.repeat(1_000), 'v'.repeat(1_000)])
        assert.equal((await log.describe('orders'))?.partitions[0]?.end, 9n)
      },
    )

    promise('I9 records of several partitions and the state of their source move together', async ({ log, reopen }) => {
      await log.create('orders', { partitions: 2, retentionMs: null })
      assert.deepEqual(await log.sourceState('files'), { sequence: 0n, entries: new Map() })
      const outcome = await log.append({
        batches: [part(0, [text('a')]), part(1, [text('b')])],
        state: {
          source: 'files',
          expectedSequence: 0n,
          set: new Map([
            ['day-1.csv', '10'],
            ['day-2.csv', '5'],
          ]),
        },
      })
      assert.equal(outcome.kind === 'appended' && outcome.sequence, 1n)
      const other = await reopen()
      assert.deepEqual(await other.sourceState('files'), {
        sequence: 1n,
        entries: new Map([
          ['day-1.csv', '10'],
          ['day-2.csv', '5'],
        ]),
      })
      assert.deepEqual(await other.sourceState('another'), { sequence: 0n, entries: new Map() })
      assert.deepEqual(values(await fetchAt(other, 0n, { partition: 1 })), ['b'])
    })

    promise(
      'I9 entries that are not named stay, null removes one, and an append of no records moves the state',
      async ({ log }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        const move = (expectedSequence: bigint, set: ReadonlyMap<string, string | null>): Promise<AppendOutcome> =>
          log.append({ batches: [], state: { source: 's', expectedSequence, set } })
        await move(
          0n,
          new Map([
            ['a', '1'],
            ['b', '2'],
          ]),
        )
        await move(
          1n,
          new Map([
            ['a', null],
            ['c', 'ü "quoted"\n'],
          ]),
        )
        assert.deepEqual(await move(2n, new Map()), { kind: 'appended', sequence: 3n, firsts: [] })
        assert.deepEqual(await log.sourceState('s'), {
          sequence: 3n,
          entries: new Map([
            ['b', '2'],
            ['c', 'ü "quoted"\n'],
          ]),
        })
      },
    )

    promise(
      'I9 an append on a position that the source has left is told so and leaves nothing behind',
      async ({ log }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        const attempt = (expectedSequence: bigint, value: string): Promise<AppendOutcome> =>
          log.append({
            batches: [part(0, [text(value)])],
            state: { source: 's', expectedSequence, set: new Map([['at', value]]) },
          })
        assert.equal((await attempt(0n, 'first')).kind, 'appended')
        assert.deepEqual(await attempt(0n, 'late'), { kind: 'conflicted', sequence: 1n })
        assert.deepEqual(await attempt(7n, 'early'), { kind: 'conflicted', sequence: 1n })
        assert.deepEqual(values(await fetchAt(log, 0n)), ['first'])
        assert.deepEqual((await log.sourceState('s')).entries, new Map([['at', 'first']]))
      },
    )

    promise(
      'I9 an append that fails for one partition leaves nothing in the others, nor in the state',
      async ({ log }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        const request = {
          batches: [part(0, [text('a')]), { ...part(0, [text('b')]), topic: 'no-such-topic' }],
          state: { source: 's', expectedSequence: 0n, set: new Map([['at', '1']]) },
        }
        await assert.rejects(log.append(request), { code: 'TOPIC_UNKNOWN' })
        assert.deepEqual(await fetchAt(log, 0n), { kind: 'empty', end: 0n })
        assert.deepEqual(await log.sourceState('s'), { sequence: 0n, entries: new Map() })
      },
    )

    promise('I9 of two handles that race on one sequence exactly one wins, every time', async ({ log, reopen }) => {
      await log.create('orders', { partitions: 2, retentionMs: null })
      const handles = [log, await reopen()]
      const won: string[] = []
      for (let round = 0; round < 12; round += 1) {
        const expectedSequence = BigInt(round)
        const outcomes = await Promise.all(
          handles.map((handle, who) =>
            handle.append({
              batches: [0, 1].map((partition) => part(partition, [text(`${round}/${who}`)])),
              state: { source: 's', expectedSequence, set: new Map([['at', `${round}/${who}`]]) },
            }),
          ),
        )
        const winners = outcomes.flatMap((outcome, who) => (outcome.kind === 'appended' ? [who] : []))
        assert.equal(winners.length, 1, `round ${round}`)
        won.push(`${round}/${winners[0]}`)
        assert.equal((await log.sourceState('s')).entries.get('at'), won.at(-1))
      }
      for (const partition of [0, 1]) {
        const read = await readAll(log, at(partition), 0n)
        assert.deepEqual(
          read.map(({ value }) => Buffer.from(value ?? '', 'hex').toString('utf8')),
          won,
        )
      }
    })

    promise('a fetch from the middle of an append begins exactly where it was asked to', async ({ log }) => {
      await log.create('orders', { partitions: 1, retentionMs: null })
      await log.append({ batches: [part(0, texts(10))], state: null })
      await log.append({ batches: [part(0, texts(10, 10))], state: null })
      for (const from of [0, 1, 5, 9, 10, 15, 19]) {
        const outcome = await fetchAt(log, BigInt(from))
        assert.deepEqual(
          values(outcome),
          texts(20 - from, from).map(({ value }) => Buffer.from(value!).toString()),
        )
        assert.equal(batchesOf(outcome)[0]?.first, BigInt(from))
        checkJoined(outcome, BigInt(from))
      }
    })

    promise(
      'a fetch takes no more than maxBytes but always at least one batch, and the rest joins up',
      async ({ log }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        const value = Buffer.alloc(2000, 'x')
        for (let i = 0; i < 6; i += 1) await log.append({ batches: [part(0, [record({ value })])], state: null })
        let at = 0n
        let calls = 0
        while (at < 6n) {
          const outcome = await fetchAt(log, at, { maxBytes: 5000 })
          const batches = batchesOf(outcome)
          assert.ok(batches.length >= 1)
          assert.ok(batches.length === 1 || batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) <= 5000)
          checkJoined(outcome, at)
          at = batches.at(-1)!.next
          calls += 1
        }
        assert.ok(calls >= 3)
        assert.equal(batchesOf(await fetchAt(log, 0n, { maxBytes: 1 })).length, 1)
      },
    )

    promise('a fetch at the end waits, then says that nothing came', async ({ log }) => {
      await log.create('orders', { partitions: 1, retentionMs: null })
      await log.append({ batches: [part(0, texts(2))], state: null })
      assert.deepEqual(await fetchAt(log, 2n), { kind: 'empty', end: 2n })
      assert.deepEqual(await fetchAt(log, 2n, { waitMs: 20 }), { kind: 'empty', end: 2n })
    })

    promise('a waiting fetch gets what another handle appends, long before its time is up', async ({ log, reopen }) => {
      await log.create('orders', { partitions: 1, retentionMs: null })
      for (const [i, writer] of [await reopen(), log].entries()) {
        const begun = performance.now()
        const waiting = fetchAt(log, BigInt(i), { waitMs: 60_000 })
        await new Promise((resolve) => setTimeout(resolve, 20))
        await writer.append({ batches: [part(0, [text('news')])], state: null })
        assert.deepEqual(values(await waiting), ['news'])
        assert.ok(performance.now() - begun < 45_000)
      }
    })

    promise('a waiting fetch ends when its signal is aborted', async ({ log }) => {
      await log.create('orders', { partitions: 1, retentionMs: null })
      const reason = new Error('enough')
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 15)
      const waiting = log.fetch({ ...at(0), from: 0n, maxBytes: 1e6, waitMs: 60_000, signal: controller.signal })
      await assert.rejects(waiting, (error) => error === reason)
    })

    promise('a fetch past the end is out of range and is not answered by reading elsewhere', async ({ log }) => {
      await log.create('orders', { partitions: 1, retentionMs: null })
      await log.append({ batches: [part(0, texts(3))], state: null })
      assert.deepEqual(await fetchAt(log, 4n), { kind: 'out_of_range', start: 0n, end: 3n })
    })

    promise('null and empty keys and values stay apart', async ({ log }) => {
      const empty = new Uint8Array(0)
      const key = Buffer.from('k')
      const records = [
        record({ key: null, value: null }),
        record({ key: empty, value: empty }),
        record({ key, value: null }),
        record({ key: null, value: key }),
        record({ key: empty, value: null }),
      ]
      await checkRoundTrip(log, records)
    })

    promise('headers come back in order, repeated names, empty values and all', async ({ log }) => {
      const header = (name: string, value: Uint8Array): RecordHeader => ({ key: name, value })
      await checkRoundTrip(log, [
        record({ headers: [header('sluice.op', Buffer.from('c')), header('sluice.op', Buffer.from('u'))] }),
        record({ headers: [] }),
        record({ headers: [header('', new Uint8Array(0)), header('größe', Buffer.alloc(300, 7))] }),
        record({ key: null, value: null, headers: [header('a', Buffer.from([0, 255]))] }),
      ])
    })

    promise('binary keys and values come back byte for byte', async ({ log }) => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i)
      await checkRoundTrip(log, [record({ key: all, value: all.toReversed() }), record({ value: Buffer.alloc(3) })])
    })

    promise('a record keeps the time that it was given, in any order, to the millisecond', async ({ log }) => {
      const times = [1_291_190_400_000, 0, 1_700_000_000_123, 1_291_190_400_001, 253_402_300_799_999]
      await checkRoundTrip(
        log,
        times.map((timestampMs) => record({ timestampMs })),
      )
    })

    promise('a record of 5 MB comes back whole, between small ones', async ({ log }) => {
      const big = Buffer.alloc(5_000_000, 'abcdefg')
      await checkRoundTrip(log, [text('before'), record({ value: big }), text('after')])
    })

    promise('an append of 12,000 records comes back in order, in batches that join up', async ({ log }) => {
      await checkRoundTrip(log, texts(12_000))
    })

    promise(
      'offsetAtTime finds the first record at or after a time, and else the end',
      async ({ log, recordTimes }) => {
        await log.create('orders', { partitions: 1, retentionMs: null })
        assert.equal(await log.offsetAtTime(at(0), 0), 0n)
        await log.append({ batches: [part(0, [record({ timestampMs: 1 }), record({ timestampMs: 2 })])], state: null })
        if (recordTimes === true) {
          for (const [timeMs, offset] of [
            [0, 0n],
            [1, 0n],
            [2, 1n],
            [3, 2n],
          ] as const) {
            assert.equal(await log.offsetAtTime(at(0), timeMs), offset)
          }
          assert.equal((await log.describe('orders'))!.partitions[0]!.endTimeMs, 2)
          return
        }
        const firstMs = (await log.describe('orders'))!.partitions[0]!.endTimeMs!
        await new Promise((resolve) => setTimeout(resolve, 20))
        await log.append({ batches: [part(0, [record({ timestampMs: 3 })])], state: null })
        const secondMs = (await log.describe('orders'))!.partitions[0]!.endTimeMs!
        assert.ok(secondMs > firstMs)
        assert.equal(await log.offsetAtTime(at(0), 0), 0n)
        assert.equal(await log.offsetAtTime(at(0), firstMs), 0n)
        assert.equal(await log.offsetAtTime(at(0), firstMs + 1), 2n)
        assert.equal(await log.offsetAtTime(at(0), secondMs), 2n)
        assert.equal(await log.offsetAtTime(at(0), secondMs + 1), 3n)
      },
    )

    promise('a topic that was deleted and made again is empty and has another source', async (opened) => {
      const { log } = opened
      if (opened.deleteTopic === undefined) return
      const before = await log.create('orders', { partitions: 1, retentionMs: null })
      await log.append({ batches: [part(0, texts(3))], state: null })
      await opened.deleteTopic('orders')
      assert.equal(await log.describe('orders'), null)
      const after = await log.create('orders', { partitions: 1, retentionMs: null })
      assert.notEqual(after.source, before.source)
      assert.deepEqual(await fetchAt(log, 0n), { kind: 'empty', end: 0n })
      const meant = { ...at(0), from: 0n, maxBytes: 1e6, waitMs: 0 }
      assert.deepEqual(await log.fetch({ ...meant, source: after.source }), { kind: 'empty', end: 0n })
      assert.deepEqual(await log.fetch({ ...meant, source: before.source }), { kind: 'no_topic' })
    })

    promise(
      'random appends through two handles read back as a list would, from any offset',
      async ({ log, reopen }) => {
        const handles = [log, await reopen()]
        let topics = 0
        await fc.assert(
          fc.asyncProperty(fc.array(anAppend, { maxLength: 8 }), fc.nat(), async (appends, somewhere) => {
            const topic = `random-${(topics += 1)}`
            await log.create(topic, { partitions: 3, retentionMs: null })
            const model: { readonly offset: bigint; readonly record: OutgoingRecord }[][] = [[], [], []]
            let sequence = 0n
            for (const { who, expected, batches } of appends) {
              const request = batches.map(({ partition, records }) => ({ topic, partition, records }))
              const state = { source: topic, expectedSequence: expected === 'right' ? sequence : 99n, set: new Map() }
              const outcome = await handles[who]!.append({ batches: request, state })
              assert.equal(outcome.kind, expected === 'right' ? 'appended' : 'conflicted')
              if (outcome.kind === 'conflicted') continue
              sequence += 1n
              for (const [i, { partition, records }] of batches.entries()) {
                const { first, next }: AppendedRange = outcome.firsts[i]!
                assert.equal(next - first, BigInt(records.length))
                const before = model[partition]!.at(-1)
                if (records.length > 0) assert.ok(first > (before?.offset ?? -1n))
                for (const [j, each] of records.entries()) {
                  model[partition]!.push({ offset: first + BigInt(j), record: each })
                }
              }
            }
            for (const [partition, expected] of model.entries()) {
              const from = somewhere % (expected.length + 1)
              const first = expected[from]?.offset ?? (expected.at(-1)?.offset ?? -1n) + 1n
              const read = await readAll(handles[1]!, { topic, partition }, first)
              assert.deepEqual(
                read,
                expected.slice(from).map((each) => plain(each.record)),
              )
            }
          }),
          { numRuns: 25 },
        )
      },
    )
  })
}

const someBytes = fc.uint8Array({ maxLength: 40 })
const aRecord: fc.Arbitrary<OutgoingRecord> = fc.record({
  key: fc.option(someBytes),
  value: fc.option(someBytes),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 6 }), value: someBytes }), {
    maxLength: 3,
  }),
  timestampMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
})
const anAppend = fc.record({
  who: fc.constantFrom(0, 1),
  expected: fc.constantFrom('right', 'right', 'right', 'wrong'),
  batches: fc.array(fc.record({ partition: fc.nat({ max: 2 }), records: fc.array(aRecord, { maxLength: 12 }) }), {
    maxLength: 4,
  }),
})

/** The same bytes whatever the kind of array, so that two can be compared. */
interface PlainRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [string, string])[]
  readonly timestampMs: number
}

function plain({ key, value, headers, timestampMs }: OutgoingRecord): PlainRecord {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  return {
    key: key === null ? null : hex(key),
    value: value === null ? null : hex(value),
    headers: headers.map((header) => [header.key, hex(header.value)] as const),
    timestampMs,
  }
}

function plainAt(batch: RecordBatch, index: number): PlainRecord {
  return plain({
    key: recordKey(batch, index),
    value: recordValue(batch, index),
    headers: readHeaders(batch, index),
    timestampMs: batch.timestampsMs[index]!,
  })
}

async function readAll(
  log: TopicLog,
  from: { topic: string; partition: number },
  first: bigint,
): Promise<PlainRecord[]> {
  const read: PlainRecord[] = []
  let next = first
  for (;;) {
    const outcome = await log.fetch({ ...from, from: next, maxBytes: 200_000, waitMs: 0 })
    if (outcome.kind === 'empty') return read
    checkJoined(outcome, next)
    for (const batch of batchesOf(outcome)) {
      for (let i = 0; i < batch.count; i += 1) read.push(plainAt(batch, i))
      next = batch.next
    }
  }
}

async function checkRoundTrip(log: TopicLog, records: readonly OutgoingRecord[]): Promise<void> {
  await log.create('orders', { partitions: 1, retentionMs: null })
  await log.append({ batches: [part(0, records)], state: null })
  assert.deepEqual(await readAll(log, at(0), 0n), records.map(plain))
}

/** Batches begin where they were asked to, join up, and hold dense, ascending offsets and consistent positions. */
function checkJoined(outcome: FetchOutcome, from: bigint): void {
  let next = from
  for (const batch of batchesOf(outcome)) {
    assert.equal(batch.first, next)
    assert.ok(batch.next > batch.first)
    for (let i = 0; i < batch.count; i += 1) {
      const offset = recordOffset(batch, i)
      assert.ok(offset >= next, 'offsets ascend')
      next = offset + 1n
      if (batch.skips.length === 0) assert.equal(offset, batch.first + BigInt(i))
    }
    assert.ok(next <= batch.next)
    next = batch.next
  }
}

function batchesOf(outcome: FetchOutcome): readonly RecordBatch[] {
  if (outcome.kind !== 'batches') return assert.fail(`batches were expected, not ${outcome.kind}`)
  return outcome.batches
}

function values(outcome: FetchOutcome): string[] {
  return batchesOf(outcome).flatMap((batch) =>
    Array.from({ length: batch.count }, (_, i) => Buffer.from(recordValue(batch, i) ?? []).toString('utf8')),
  )
}

function fetchAt(
  log: TopicLog,
  from: bigint,
  {
    partition = 0,
    maxBytes = 1e6,
    waitMs = 0,
    ...bound
  }: { partition?: number; maxBytes?: number; waitMs?: number; maxBatchBytes?: number } = {},
): Promise<FetchOutcome> {
  return log.fetch({ ...at(partition), from, maxBytes, waitMs, ...bound })
}

function at(partition: number): { topic: string; partition: number } {
  return { topic: 'orders', partition }
}

function part(
  partition: number,
  records: readonly OutgoingRecord[],
): { topic: string; partition: number; records: readonly OutgoingRecord[] } {
  return { ...at(partition), records }
}

function range(
  partition: number,
  first: bigint,
  next: bigint,
): { topic: string; partition: number; first: bigint; next: bigint } {
  return { ...at(partition), first, next }
}

function record(some: Partial<OutgoingRecord>): OutgoingRecord {
  return { key: Buffer.from('k'), value: Buffer.from('v'), headers: [], timestampMs: 1_700_000_000_000, ...some }
}

function text(value: string): OutgoingRecord {
  return record({ value: Buffer.from(value) })
}

function texts(count: number, from = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, i) => text(`value ${from + i}`))
}
