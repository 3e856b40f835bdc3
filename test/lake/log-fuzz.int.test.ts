import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../src/domain/errors.ts'
import { readChanges } from '../../src/lake/changes.ts'
import { writeCheckpoint } from '../../src/lake/checkpoint/write-checkpoint.ts'
import { describeTable } from '../../src/lake/describe.ts'
import { readHistory } from '../../src/lake/history.ts'
import { storePath } from '../../src/lake/log/file-key.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { FIELDS, loggedFile, openTable, step } from './table-steps.ts'

/**
 * Damaged logs: each gives a table or an error of the table of errors, never another end, and damage to the form of an
 * action is never read as something else. FUZZ_RUNS sets how many are tried, SLUICE_SEED repeats them.
 */

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 120)
const seed = process.env['SLUICE_SEED']
const options = { numRuns: RUNS, ...(seed === undefined ? {} : { seed: Number(seed) }) }
const SLOWEST_MS = 60_000

const entryName = (version: number): string => `_delta_log/${String(version).padStart(20, '0')}.json`
const CHECKPOINT = '_delta_log/00000000000000000002.checkpoint.parquet'

/** Three versions and a checkpoint of the last. */
async function sample(): Promise<MemoryStore> {
  const store = new MemoryStore()
  const v0 = await step(store, null, {
    adds: [loggedFile('a'), loggedFile('b', { tags: { t: 'x' } })],
    txns: new Map([['p', 5n]]),
  })
  const v1 = await step(store, v0, {
    adds: [loggedFile('c', { partitionValues: { day: null }, statsText: null })],
    removes: [v0.files.get('a')!],
    txns: new Map([['p', 2n ** 60n]]),
  })
  await step(store, v1, {
    metadata: { fields: [...FIELDS, { name: 'more', type: { kind: 'boolean' }, nullable: true }] },
  })
  await writeCheckpoint(store, { version: 2, nowMs: v1.timestampMs })
  return store
}

function stateOf({ version, files, txns, metadata, tombstones }: Snapshot): unknown {
  const held = Array.from(files.values(), (file) => [file.path, file.partitionValues, file.bytes, file.tags])
  return [
    version,
    held.sort((a, b) => (JSON.stringify(a[0]) < JSON.stringify(b[0]) ? -1 : 1)),
    [...txns],
    metadata.fields,
    metadata.partitionColumns,
    metadata.configuration,
    [...tombstones.keys()],
  ]
}

interface Outcome {
  readonly state: unknown
  readonly refused: string | null
  /** By path, the rows that statistics state. */
  readonly counted: ReadonlyMap<string, number>
}

/** All that reads a log, as far as it comes. Throws what is no SluiceError, or takes too long. */
async function readAll(store: MemoryStore): Promise<Outcome> {
  const startMs = performance.now()
  let state: unknown = null
  const counted = new Map<string, number>()
  let refused: string | null = null
  const tries = [
    async () => {
      const snapshot = await openSnapshot(store)
      if (snapshot === null) return
      describeTable(snapshot)
      for (const file of snapshot.files.values()) await store.stat(storePath(file.path))
      // Statistics are an aid: damaged ones count as none, never as others.
      for (const { path, rows } of snapshot.files.values()) if (rows !== null) counted.set(path, rows)
      state = stateOf(snapshot)
    },
    () => openSnapshot(store, { version: 1 }),
    () => openSnapshot(store, { timestampMs: 1_700_000_000_001 }),
    () => readChanges(store, { after: 0, to: 2 }),
    async () => {
      for await (const { timestampMs } of readHistory(store)) new Date(timestampMs).toISOString()
    },
  ]
  for (const [i, attempt] of tries.entries()) {
    try {
      await attempt()
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code === 'BUG') throw error
      if (i === 0) refused = error.code
    }
  }
  assert.ok(performance.now() - startMs < SLOWEST_MS, 'it took too long')
  return { state, refused, counted }
}

const textAt = async (store: MemoryStore, path: string): Promise<string> =>
  Buffer.from((await store.read(path))!).toString()

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
const deep = (levels: number, inner = '1'): string => '['.repeat(levels) + inner + ']'.repeat(levels)
const RAW_VALUES = [
  'null',
  'true',
  '0',
  '-1',
  '1.5',
  '1e400',
  '-1e400',
  '9'.repeat(30),
  '9'.repeat(50_000),
  '""',
  '"x"',
  '[]',
  '{}',
  '[[]]',
  '"../../etc/passwd"',
  '"/etc/passwd"',
  '"file:///etc/passwd"',
  '"%2e%2e/%2e%2e/x"',
  '"a\\u0000b"',
  '"%00"',
  '"%zz"',
  '"__proto__"',
  '"constructor"',
  '{"__proto__":{"x":1}}',
  '{"constructor":"y"}',
  '{"day":5}',
  '{"day":["x"]}',
  deep(20_000),
  deep(20_000, '9'.repeat(20)),
  JSON.stringify(deep(20_000)),
]

/** Replaces what stands at a random place in a line by a raw text of JSON, or takes it out, or doubles it. */
const mutateLine = (line: string, pick: (below: number) => number): string => {
  const action = JSON.parse(line) as Json
  const places: [Record<string, Json>, string][] = []
  const visit = (at: Json): void => {
    if (typeof at !== 'object' || at === null) return
    for (const key of Object.keys(at)) {
      places.push([at as Record<string, Json>, key])
      visit((at as Record<string, Json>)[key]!)
    }
  }
  visit(action)
  const [holder, key] = places[pick(places.length)]!
  const kind = pick(10)
  if (kind === 0) delete holder[key]
  else if (kind === 1) return `${line}\n${line}`
  else holder[key] = 'RAW-VALUE'
  return JSON.stringify(action).replace('"RAW-VALUE"', RAW_VALUES[pick(RAW_VALUES.length)]!)
}

const random = fc.infiniteStream(fc.nat({ max: 2 ** 30 }))
const picker =
  (stream: Stream): ((below: number) => number) =>
  (below) =>
    stream.next().value % below
type Stream = fc.Stream<number>

describe('a damaged log', () => {
  test('entries with other values, missing keys and doubled lines give a table or a known error', async () => {
    await fc.assert(
      fc.asyncProperty(random, async (stream) => {
        const pick = picker(stream)
        const store = await sample()
        if (pick(2) === 0) await store.delete([CHECKPOINT])
        const path = entryName(pick(3))
        const lines = (await textAt(store, path)).trimEnd().split('\n')
        const first = pick(lines.length)
        const chosen = new Set([first, pick(2) === 0 ? pick(lines.length) : first])
        for (const at of chosen) lines[at] = mutateLine(lines[at]!, pick)
        await store.put(path, Buffer.from(lines.join('\n')))
        await readAll(store)
      }),
      options,
    )
  })

  test('entries with flipped and lost bytes give a table or a known error; a cut line is always refused', async () => {
    await fc.assert(
      fc.asyncProperty(random, async (stream) => {
        const pick = picker(stream)
        const store = await sample()
        await store.delete([CHECKPOINT])
        const path = entryName(pick(3))
        const bytes = Buffer.from((await store.read(path))!)
        if (pick(2) === 0) {
          for (let i = pick(4); i >= 0; i -= 1) bytes[pick(bytes.length)]! ^= 1 << pick(8)
          await store.put(path, bytes)
          await readAll(store)
          return
        }
        const cut = bytes.subarray(0, pick(bytes.length - 1))
        await store.put(path, cut)
        const { refused } = await readAll(store)
        const atLineEnd = cut.length > 0 && (cut.at(-1) === 10 || bytes[cut.length] === 10)
        if (!atLineEnd) assert.equal(refused, 'TABLE_FILES_MISSING', `cut to ${cut.length} of ${bytes.length}`)
      }),
      options,
    )
  })

  test('a damaged checkpoint reads as it was or is refused, and with its entries there the table is as it was', async () => {
    const whole = stateOf(await openTable(await sample()))
    await fc.assert(
      fc.asyncProperty(random, async (stream) => {
        const pick = picker(stream)
        const store = await sample()
        const bytes = Buffer.from((await store.read(CHECKPOINT))!)
        // A footer has no checksum: of one that is damaged nothing can be promised but a known end.
        const body = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
        const inFooter = pick(3) === 0
        if (pick(3) === 0) await store.put(CHECKPOINT, bytes.subarray(0, pick(bytes.length)))
        else {
          for (let i = pick(3); i >= 0; i -= 1) {
            const at = inFooter ? body + pick(bytes.length - body) : pick(body)
            bytes[at]! ^= 1 << pick(8)
          }
          await store.put(CHECKPOINT, bytes)
        }
        const complete = await readAll(store)
        if (inFooter) return
        assert.deepEqual([complete.state, complete.refused], [whole, null])
        assert.equal(complete.counted.get('b') ?? 1, 1)
        await store.delete([entryName(0), entryName(1)])
        const { state, refused } = await readAll(store)
        if (refused === null) assert.deepEqual(state, whole)
      }),
      options,
    )
  })

  test('whatever `_last_checkpoint` says, the table is as it was', async () => {
    const whole = stateOf(await openTable(await sample()))
    const texts = [
      '',
      '{',
      'null',
      '[]',
      '{"version":1e300}',
      '{"version":-1}',
      '{"version":"2"}',
      '{"version":1.5}',
      '{"version":1}',
    ]
    const more = [
      '{"version":99}',
      `{"version":${'9'.repeat(40)}}`,
      deep(50_000),
      '{"version":2,"parts":7,"size":-1}',
      '\ufffd',
    ]
    for (const text of [...texts, ...more]) {
      const store = await sample()
      await store.put('_delta_log/_last_checkpoint', Buffer.from(text))
      assert.deepEqual((await readAll(store)).state, whole, text.slice(0, 40))
    }
  })

  const line = (action: unknown): string => JSON.stringify(action)
  const add = { path: 'n', partitionValues: { day: 'd' }, size: 1, modificationTime: 1, dataChange: true }
  const txn = { appId: 'p', version: 7 }
  const metaData = {
    id: 'x',
    format: { provider: 'parquet' },
    partitionColumns: [],
    configuration: {},
    schemaString: '',
  }
  const schema = (field: unknown): string =>
    line({ metaData: { ...metaData, schemaString: line({ type: 'struct', fields: [field] }) } })
  const DEEP_SCHEMA = `{"type":"struct","fields":[{"name":"n","type":${'{"type":"array","elementType":'.repeat(9_000)}"long"${'}'.repeat(9_000)}}]}`
  const structural: readonly (readonly [string, string])[] = [
    ['nothing at all', ''],
    ['an action that is no object', '{"add":5}'],
    ['an action that is a list', '{"remove":[]}'],
    ['a line that is no object', '[]'],
    ['bytes that are no UTF-8', 'INVALID'],
    ['an add without a path', line({ add: { ...add, path: null } })],
    ['an add without partition values', line({ add: { ...add, partitionValues: undefined } })],
    ['a partition value that is a number', line({ add: { ...add, partitionValues: { day: 5 } } })],
    ['a size below nothing', line({ add: { ...add, size: -1 } })],
    ['a size that is no whole number', line({ add: { ...add, size: 1.5 } })],
    ['a size past all bounds', '{"add":{"path":"n","partitionValues":{},"size":1e400,"dataChange":true}}'],
    ['a time past all bounds', line({ add: { ...add, modificationTime: 1e300 } })],
    ['statistics that are an object', line({ add: { ...add, stats: {} } })],
    ['a version of a transaction past 64 bits', `{"txn":{"appId":"p","version":${2n ** 63n}}}`],
    ['a version of a transaction that is a text', line({ txn: { ...txn, version: '7' } })],
    ['two positions at once', `${line({ txn })}\n${line({ txn: { ...txn, version: 9 } })}`],
    ['two protocols at once', `${line({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })}\n`.repeat(2)],
    ['a protocol version of one and a half', line({ protocol: { minReaderVersion: 1.5, minWriterVersion: 2 } })],
    ['a protocol version below nothing', line({ protocol: { minReaderVersion: -1, minWriterVersion: 2 } })],
    ['a property that is a number', line({ metaData: { ...metaData, configuration: { x: 5 } } })],
    ['a schema without fields', line({ metaData: { ...metaData, schemaString: '{"type":"struct"}' } })],
    ['a schema with a field that is no object', schema(5)],
    ['a schema with a field of no name', schema({ type: 'long' })],
    ['a schema with a type that is called as what all objects have', schema({ name: 'n', type: 'constructor' })],
    [
      'a schema with two fields of one name',
      line({
        metaData: {
          ...metaData,
          schemaString: line({
            type: 'struct',
            fields: [
              { name: 'n', type: 'long' },
              { name: 'n', type: 'string' },
            ],
          }),
        },
      }),
    ],
    ['a schema deeper than any stack', line({ metaData: { ...metaData, schemaString: DEEP_SCHEMA } })],
    [
      'a partition column that is none',
      line({
        metaData: {
          ...metaData,
          partitionColumns: ['none'],
          schemaString: '{"type":"struct","fields":[{"name":"n","type":"long"}]}',
        },
      }),
    ],
  ]
  for (const [name, text] of structural) {
    test(`${name} is refused, not read as something else`, async () => {
      const store = await sample()
      const bytes =
        text === 'INVALID'
          ? Buffer.from([...Buffer.from('{"add":{"path":"'), 0xff, ...Buffer.from('"}}')])
          : Buffer.from(text)
      await store.put(entryName(3), bytes)
      const { refused } = await readAll(store)
      assert.match(refused ?? 'it was read', /^TABLE_(FILES_MISSING|UNSUPPORTED)$/)
    })
  }

  test('a history shows what its writer stated, as far down as anyone looks', async () => {
    const store = await sample()
    const entry = `{"commitInfo":{"operation":"X","timestamp":1e300,"operationParameters":{"deep":${deep(20_000)},"n":1}}}`
    await store.put(entryName(3), Buffer.from(entry))
    for await (const { version, parameters, timestampMs } of readHistory(store)) {
      if (version !== 3) continue
      assert.equal(parameters['n'], 1)
      assert.ok(JSON.stringify(parameters).length < 1000)
      new Date(timestampMs).toISOString()
    }
  })

  test('paths that leave the table are never followed', async () => {
    for (const path of [
      '../x',
      'a/../../x',
      '%2e%2e/x',
      '/etc/passwd',
      'file:///etc/passwd',
      's3://other/x',
      'a//b',
      '.',
      'a%00b',
    ]) {
      const store = await sample()
      await store.put(entryName(3), Buffer.from(line({ add: { ...add, path } })))
      let read = false
      store.trouble = (_, asked) => {
        read ||= asked !== '_delta_log/' && !asked.startsWith('_delta_log/')
        return undefined
      }
      const snapshot = await openTable(store)
      const file = [...snapshot.files.values()].at(-1)!
      assert.equal(file.path, path)
      await assert.rejects(async () => store.stat(storePath(file.path)), SluiceError, path)
      assert.equal(read, false, path)
    }
  })
})
