import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createEncoder } from '../../src/contract/encode.ts'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { landingFields } from '../../src/domain/contract.ts'
import type { RecordBatch } from '../../src/domain/record-batch.ts'
import { RUN_DATE, SYSTEM_FIELDS } from '../../src/ingest/rows/system-columns.ts'
import { parseContract } from '../../src/contract/parse-contract.ts'
import { readParquetRows, type ParquetRow } from '../parquet/whole-file.ts'
import type { DecodePool, FlushDecoding, FlushTerms, SettledFlush, StagedRows } from '../../src/ports/decode-pool.ts'
import { readPacked } from '../../src/domain/packed-records.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import { orderContract, placedBatch, type PlacedRecord } from '../ingest/batches.ts'
import { ORDERS } from '../support/world.ts'

export interface OpenedPool {
  readonly pool: DecodePool
  readonly cleanup: () => Promise<void>
}

export const SCHEMA = orderContract()
const FACTS = { epoch: 3, nowMs: 1_700_000_000_500, writers: new Map([[SCHEMA.id, SCHEMA]]) }

export function flushTerms(over: Partial<FlushTerms> = {}): FlushTerms {
  return {
    table: ORDERS,
    schema: SCHEMA,
    tableFields: null,
    hashKey: null,
    sealKey: null,
    runId: '11111111-1111-4111-8111-111111111111',
    batchId: '22222222-2222-4222-8222-222222222222',
    maxRecordBytes: 1_000_000,
    keepLetters: false,
    copyLetters: false,
    ...over,
  }
}

export function orderRecord(id: string, n: number, schema: RegisteredSchema = SCHEMA): PlacedRecord {
  const encoded = createEncoder(schema).encode(['id', 'n'], [id, n], false)
  assert.ok(encoded.kind === 'encoded')
  return { key: Buffer.from(id), value: encoded.bytes }
}

const BAD: PlacedRecord = { key: Buffer.from('bad'), value: Buffer.from('no order') }

/** The table's columns, as a commit would have them. */
function orderFields(brought: readonly ColumnField[] = landingFields(parseContract(SCHEMA))): ColumnField[] {
  return [...brought, ...Object.values(SYSTEM_FIELDS), RUN_DATE]
}

async function finish(
  decoding: FlushDecoding,
  fields?: readonly ColumnField[],
): Promise<{ settled: SettledFlush; staged: readonly StagedRows[]; rows: ParquetRow[] }> {
  const settled = await decoding.settle()
  const staged = await decoding.stage({
    fields: fields ?? orderFields(settled.fields),
    partitionColumns: [RUN_DATE.name],
    nowMs: 1_700_000_001_000,
  })
  const rows: ParquetRow[] = []
  for (const file of staged) {
    const source = readFileSync(file.localFile)
    assert.equal(file.bytes, source.length)
    const before = rows.length
    for await (const row of readParquetRows({ source, name: file.localFile })) rows.push(row)
    assert.equal(file.rows, rows.length - before)
  }
  return { settled, staged, rows }
}

const lines = ({ letters }: SettledFlush): Record<string, unknown>[] =>
  Buffer.concat(letters.lines)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** The places that the copies name. */
const copies = ({ letters }: SettledFlush): string[] =>
  letters.copies.flatMap(readPacked).map(({ headers }) => {
    const named = new Map(headers.map(({ key, value }) => [key, Buffer.from(value).toString('utf8')]))
    return `${named.get('__connect.errors.partition')}/${named.get('__connect.errors.offset')}`
  })

/** The promises of ports/decode-pool.ts; every implementation passes them. */
export function decodePoolConformance(name: string, open: () => Promise<OpenedPool>): void {
  const promise = (title: string, body: (pool: DecodePool) => Promise<void>): void => {
    test(title, { timeout: 120_000 }, async () => {
      const { pool, cleanup } = await open()
      try {
        await body(pool)
      } finally {
        await pool.close()
        await cleanup()
      }
    })
  }

  describe(`${name} keeps the promises of a decode pool`, () => {
    promise(
      'I15: every record is a row or a letter, under its own place, in the order of its partition',
      async (pool) => {
        // Each partition's records, cut into fetches of batches at any border.
        const partitions = fc.array(fc.array(fc.array(fc.boolean(), { maxLength: 6 }), { maxLength: 5 }), {
          minLength: 1,
          maxLength: 5,
        })
        await fc.assert(
          fc.asyncProperty(partitions, fc.boolean(), fc.boolean(), async (cut, keepLetters, copyLetters) => {
            const decoding = pool.openFlush(flushTerms({ keepLetters, copyLetters }))
            const rows: string[] = []
            const letters: string[] = []
            for (const [partition, batches] of cut.entries()) {
              let next = 0n
              for (const batch of batches) {
                const records = batch.map((good, i) => {
                  const place = `${partition}/${next + BigInt(i)}`
                  ;(good ? rows : letters).push(place)
                  return good ? orderRecord(place, i) : BAD
                })
                await decoding.take([placedBatch(records, { partition, first: next })], FACTS)
                next += BigInt(batch.length)
              }
            }
            const done = await finish(decoding)
            assert.deepEqual([done.settled.landed, done.settled.letters.count], [rows.length, letters.length])
            const place = (row: ParquetRow): string => `${row['_partition'] as number}/${row['_offset'] as bigint}`
            const inOrder = (places: readonly string[], partition: number): string[] =>
              places.filter((each) => each.startsWith(`${partition}/`))
            for (const partition of cut.keys()) {
              assert.deepEqual(inOrder(done.rows.map(place), partition), inOrder(rows, partition))
            }
            for (const row of done.rows) {
              assert.deepEqual([row['id'], row['_epoch'], row['_contract_id']], [place(row), 3, SCHEMA.id])
            }
            const refused = lines(done.settled)
            assert.deepEqual(
              refused.map((each) => `${String(each['partition'])}/${String(each['offset'])}`).toSorted(),
              letters.toSorted(),
            )
            assert.equal(done.settled.letters.records.length, keepLetters ? letters.length : 0)
            assert.deepEqual(copies(done.settled).toSorted(), copyLetters ? letters.toSorted() : [])
            await decoding.abandon()
          }),
          { numRuns: 25 },
        )
      },
    )

    promise('what lies in room for a fetch is taken before the room is given again', async (pool) => {
      const decoding = pool.openFlush(flushTerms())
      for (let at = 0; at < 4; at += 1) {
        const batch = placedBatch([orderRecord(`row-${at}`, at), BAD], { first: BigInt(at * 2) })
        const room = decoding.fetchRoom()
        const bytes = room?.span(batch.bytes.length) ?? new Uint8Array(batch.bytes.length)
        bytes.set(batch.bytes)
        await decoding.take([{ ...batch, bytes }], FACTS)
        if (room !== undefined) bytes.fill(0xee)
      }
      const { settled, rows } = await finish(decoding)
      assert.deepEqual(
        rows.map((row) => row['id']),
        ['row-0', 'row-1', 'row-2', 'row-3'],
      )
      assert.deepEqual(
        lines(settled).map((each) => each['raw']),
        Array.from({ length: 4 }, () => lines(settled)[0]!['raw']),
      )
      await decoding.abandon()
    })

    promise('a fetch of several batches that share a buffer arrives whole', async (pool) => {
      const decoding = pool.openFlush(flushTerms())
      const whole = placedBatch([orderRecord('a', 1), orderRecord('b', 2), orderRecord('c', 3)])
      const part = (from: number, to: number): RecordBatch => ({
        ...whole,
        first: BigInt(from),
        next: BigInt(to),
        count: to - from,
        offsetDeltas: Int32Array.from({ length: to - from }, (_, i) => i),
        timestampsMs: whole.timestampsMs.subarray(from, to),
        keyStarts: whole.keyStarts.subarray(from, to),
        keyEnds: whole.keyEnds.subarray(from, to),
        valueStarts: whole.valueStarts.subarray(from, to),
        valueEnds: whole.valueEnds.subarray(from, to),
        headersStarts: whole.headersStarts.subarray(from, to),
        headersEnds: whole.headersEnds.subarray(from, to),
      })
      await decoding.take([part(0, 1), part(1, 3)], FACTS)
      const { rows } = await finish(decoding)
      assert.deepEqual(
        rows.map((row) => [row['id'], row['n'], row['_offset']]),
        [
          ['a', 1, 0n],
          ['b', 2, 1n],
          ['c', 3, 2n],
        ],
      )
      await decoding.abandon()
    })

    promise('a flush with no rows gives no file, and one that took nothing gives nothing', async (pool) => {
      const empty = pool.openFlush(flushTerms())
      assert.deepEqual((await finish(empty)).staged, [])
      await empty.abandon()
      const refused = pool.openFlush(flushTerms())
      await refused.take([placedBatch([BAD])], FACTS)
      const { settled, staged } = await finish(refused)
      assert.deepEqual([settled.landed, settled.letters.count, staged.length], [0, 1, 0])
      await refused.abandon()
    })

    promise('I12: what is handed over is counted until it is let go, and abandoned files are removed', async (pool) => {
      const decoding = pool.openFlush(flushTerms())
      assert.equal(decoding.heldBytes, 0)
      const batch = placedBatch(Array.from({ length: 200 }, (_, i) => orderRecord(`k${i}`, i)))
      const bytes = batch.bytes.length
      await decoding.take([batch], FACTS)
      assert.ok(decoding.heldBytes > 200)
      const { staged } = await finish(decoding)
      assert.ok(staged.length === 1 && bytes > 0 && existsSync(staged[0]!.localFile))
      await decoding.abandon()
      assert.equal(decoding.heldBytes, 0)
      // Another flush on the same threads: what went before is done by then.
      const after = pool.openFlush(flushTerms())
      await after.take([placedBatch([orderRecord('z', 1)])], FACTS)
      await after.settle()
      assert.equal(existsSync(staged[0]!.localFile), false)
      await after.abandon()
    })

    promise('what was taken of a partition is dropped, and nothing else goes with it', async (pool) => {
      const decoding = pool.openFlush(flushTerms())
      for (const partition of [0, 1, 2])
        await decoding.take([placedBatch([orderRecord(`p${partition}`, 1), BAD], { partition })], FACTS)
      decoding.drop({ topic: 'orders', partition: 1 })
      const { settled, rows } = await finish(decoding)
      assert.deepEqual([settled.landed, settled.letters.count], [2, 2])
      assert.deepEqual(new Set(rows.map((row) => row['id'])), new Set(['p0', 'p2']))
      await decoding.abandon()
    })

    promise('flushes at the same time keep their own terms', async (pool) => {
      const strict = orderContract({
        id: 8,
        text: SCHEMA.text.replace('"minimum":0', '"minimum":10'),
      })
      const [open, closed] = [pool.openFlush(flushTerms()), pool.openFlush(flushTerms({ schema: strict }))]
      for (let i = 0; i < 20; i += 1) {
        const batch = (): RecordBatch => placedBatch([orderRecord(`k${i}`, i)], { first: BigInt(i) })
        await open.take([batch()], FACTS)
        await closed.take([batch()], FACTS)
      }
      assert.deepEqual([(await open.settle()).landed, (await closed.settle()).landed], [20, 10])
      await open.abandon()
      await closed.abandon()
    })

    promise('mode evolve: partitions agree on the type of a column that the contract does not know', async (pool) => {
      const wider = (type: string, id: number): RegisteredSchema => {
        const fields = [
          { name: 'id', type: 'string' },
          { name: 'n', type: 'int' },
          { name: 'more', type },
        ]
        return orderContract({ id, text: JSON.stringify({ type: 'record', name: 'Order', fields }) })
      }
      const [ints, texts] = [wider('int', 21), wider('string', 22)]
      const record = (schema: RegisteredSchema, more: number | string): PlacedRecord => {
        const encoded = createEncoder(schema).encode(['id', 'n', 'more'], ['a', 1, more], false)
        assert.ok(encoded.kind === 'encoded')
        return { value: encoded.bytes }
      }
      const writers = new Map([ints, texts].map((schema) => [schema.id, schema]))
      const decoding = pool.openFlush(flushTerms({ table: { ...ORDERS, onUnknownField: 'evolve' } }))
      await decoding.take([placedBatch([record(ints, 5)], { partition: 0 })], { ...FACTS, writers })
      await decoding.take([placedBatch([record(texts, 'x')], { partition: 1 })], { ...FACTS, writers })
      const { settled, rows } = await finish(decoding)
      assert.deepEqual(
        settled.fields.map(({ name, type }) => [name, type.kind]),
        [
          ['id', 'string'],
          ['n', 'int32'],
          ['more', 'int32'],
        ],
      )
      assert.deepEqual(
        new Map(rows.map((row) => [row['more'], row['_rescued']])),
        new Map<unknown, unknown>([
          [5, null],
          [null, '{"more":"x"}'],
        ]),
      )
      await decoding.abandon()
    })

    promise('rows are cast to the wider columns of the table', async (pool) => {
      const decoding = pool.openFlush(flushTerms())
      await decoding.take([placedBatch([orderRecord('a', 7)])], FACTS)
      const fields = orderFields().map((field) =>
        field.name === 'n' ? ({ ...field, type: { kind: 'int64' } } as const) : field,
      )
      assert.deepEqual(
        (await finish(decoding, fields)).rows.map((row) => row['n']),
        [7n],
      )
      await decoding.abandon()
    })

    promise('a fault of a flush keeps its code, fails every later call, and harms no other', async (pool) => {
      const hashed = orderContract({
        id: 9,
        text: SCHEMA.text.replace('"type":"string"', '"type":"string","pii":"name","on_ingest":"hash"'),
      })
      const faulty = pool.openFlush(flushTerms({ schema: hashed }))
      const other = pool.openFlush(flushTerms())
      const taken = async (): Promise<void> => {
        await faulty.take([placedBatch([orderRecord('a', 1)])], FACTS)
        await faulty.settle()
      }
      await assert.rejects(taken, { code: 'HASH_KEY_MISSING' })
      await assert.rejects(taken, { code: 'HASH_KEY_MISSING' })
      await other.take([placedBatch([orderRecord('a', 1)])], FACTS)
      assert.equal((await other.settle()).landed, 1)
      await faulty.abandon()
      await other.abandon()
    })
  })
}
