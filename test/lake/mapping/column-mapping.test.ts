import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeTable } from '../../../src/lake/describe.ts'
import { readChanges } from '../../../src/lake/changes.ts'
import { engineInput } from '../../../src/lake/engine-input.ts'
import { pruneFiles } from '../../../src/lake/files/prune.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { commit, loggedFile, openTable, testClock } from '../table-steps.ts'

/** A table with column mapping, as its log states it: `day` and `at.zone` were renamed, and hold the old physical names. */

function field(name: string, type: unknown, id: number, physicalName: string | null = `col-${id}`): object {
  const known = physicalName === null ? {} : { 'delta.columnMapping.physicalName': physicalName }
  return { name, type, nullable: true, metadata: { 'delta.columnMapping.id': id, ...known } }
}

const ZONE = field('zone', 'string', 4)
const FIELDS = [
  field('n', 'long', 1),
  field('day', 'string', 2),
  field('at', { type: 'struct', fields: [ZONE, field('hour', 'integer', 5)] }, 3),
  field('tags', { type: 'array', elementType: { type: 'struct', fields: [field('k', 'string', 7)] } }, 6),
]
const STATS = {
  numRecords: 2,
  minValues: { 'col-1': 5, 'col-3': { 'col-4': 'a' }, 'col-99': 1 },
  maxValues: { 'col-1': 9, 'col-3': { 'col-4': 'z' } },
  nullCount: { 'col-1': 0, 'col-3': { 'col-4': 1 } },
}

async function mappedTable(
  mode: string,
  over: { readonly fields?: readonly object[]; readonly protocol?: object } = {},
): Promise<MemoryStore> {
  const store = new MemoryStore()
  const metaData = {
    id: 'mapped',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({ type: 'struct', fields: over.fields ?? FIELDS }),
    partitionColumns: ['day'],
    configuration: { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '7' },
  }
  const add = {
    path: 'x/a.parquet',
    partitionValues: { 'col-2': 'd1' },
    size: 10,
    modificationTime: 1,
    dataChange: true,
    stats: JSON.stringify(STATS),
  }
  const protocol = over.protocol ?? { minReaderVersion: 2, minWriterVersion: 5 }
  const actions = [{ protocol }, { metaData }, { add }]
  await store.put('_delta_log/00000000000000000000.json', Buffer.from(actions.map((a) => JSON.stringify(a)).join('\n')))
  return store
}

for (const mode of ['name', 'id']) {
  test(`mode ${mode}: partition values, statistics and descriptions are by the table's own names`, async () => {
    const store = await mappedTable(mode)
    const snapshot = await openTable(store)
    const [file] = snapshot.files.values()
    assert.deepEqual(file!.partitionValues, { day: 'd1' })
    assert.deepEqual(file!.stats, {
      rows: 2,
      min: { n: 5, at: { zone: 'a' } },
      max: { n: 9, at: { zone: 'z' } },
      nulls: { n: 0, at: { zone: 1 } },
    })
    assert.deepEqual(pruneFiles([file!], snapshot.metadata, [{ column: 'n', min: 10 }]), [])
    assert.deepEqual(pruneFiles([file!], snapshot.metadata, [{ column: 'day', min: 'd2' }]), [])
    assert.equal(pruneFiles([file!], snapshot.metadata, [{ column: 'n', min: 9 }]).length, 1)
    const { fields, partitionColumns, rows } = describeTable(snapshot)
    assert.deepEqual([fields.map(({ name }) => name), partitionColumns, rows], [['n', 'day', 'at', 'tags'], ['day'], 2])
    const [added] = (await readChanges(store, { after: -1, to: 0, stored: snapshot.metadata.stored }))!.added
    assert.deepEqual([added!.partitionValues, added!.stats!.min], [{ day: 'd1' }, { n: 5, at: { zone: 'a' } }])
  })
}

test('the engine is told what files call each column, nested ones too', async () => {
  const store = await mappedTable('id')
  await store.put('x/a.parquet', Buffer.from('bytes'))
  store.localFile = async (path) => `/local/${path}`
  const { stored, fields } = await engineInput({ name: 't', store, snapshot: await openTable(store) })
  assert.equal(stored!.by, 'id')
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['n', 'day', 'at', 'tags'],
  )
  const tell = (columns: (typeof stored & object)['columns']): unknown =>
    columns.map(({ name, storedName, id, inside }) => [
      name,
      storedName,
      id,
      ...(inside.length > 0 ? [tell(inside)] : []),
    ])
  assert.deepEqual(tell(stored!.columns), [
    ['n', 'col-1', 1],
    ['day', 'col-2', 2],
    [
      'at',
      'col-3',
      3,
      [
        ['zone', 'col-4', 4],
        ['hour', 'col-5', 5],
      ],
    ],
    ['tags', 'col-6', 6, [['k', 'col-7', 7]]],
  ])
})

test('the mode counts only where the protocol has the feature', async () => {
  const features = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['columnMapping'],
    writerFeatures: ['columnMapping'],
  }
  const stored = async (mode: string, protocol: object): Promise<string | null> =>
    (await openTable(await mappedTable(mode, { protocol }))).metadata.stored?.by ?? null
  assert.equal(await stored('name', features), 'name')
  assert.equal(await stored('name', { ...features, readerFeatures: [] }), null)
  assert.equal(await stored('name', { minReaderVersion: 1, minWriterVersion: 2 }), null)
  assert.equal(await stored('none', features), null)
})

test('a mapping that leaves a column without a name, or of a mode of the future, is refused by name', async () => {
  const refused = (message: RegExp) => ({ code: 'TABLE_UNSUPPORTED', message })
  const nameless = [...FIELDS, field('x', { type: 'struct', fields: [field('y', 'long', 9, null)] }, 8)]
  await assert.rejects(
    async () => openTable(await mappedTable('name', { fields: nameless })),
    refused(/x\.y has no physical/),
  )
  await assert.rejects(async () => openTable(await mappedTable('both')), refused(/mode is "both"/))
})

test('writing to a table with column mapping is refused by name', async () => {
  const features = {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['columnMapping'],
    writerFeatures: ['columnMapping'],
  }
  for (const protocol of [features, { minReaderVersion: 2, minWriterVersion: 5 }]) {
    const store = await mappedTable('name', { protocol })
    const write = commit(store, await openTable(store), { adds: [loggedFile('b')], clock: testClock() })
    await assert.rejects(write, { code: 'TABLE_UNSUPPORTED', message: /columnMapping/ })
  }
})
