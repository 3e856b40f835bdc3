import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField, ColumnValues } from '../../../src/domain/column-batch.ts'
import { readLastLanded } from '../../../src/ingest/lane/last-landed.ts'
import { readChanges } from '../../../src/lake/changes.ts'
import { writeDataFile } from '../../../src/lake/data-file.ts'
import { decodeBase85 } from '../../../src/lake/deletion/base85.ts'
import { vectorPath, type DeletionVector } from '../../../src/lake/deletion/deletion-vector.ts'
import { engineInput } from '../../../src/lake/engine-input.ts'
import { openSnapshot, type Snapshot } from '../../../src/lake/snapshot.ts'
import { readLandedOffsets } from '../../../src/operate/landed-offsets.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { commit } from '../table-steps.ts'
import { base85, containersOf, vectorBytes, vectorFile } from './vector-bytes.ts'

/** A bronze table of offsets 0–99 in one file, some of whose rows another writer deletes by each kind of vector. */

const FIELDS: readonly ColumnField[] = [
  { name: '_topic', type: { kind: 'string' }, nullable: true },
  { name: '_partition', type: { kind: 'int32' }, nullable: true },
  { name: '_epoch', type: { kind: 'int32' }, nullable: true },
  { name: '_offset', type: { kind: 'int64' }, nullable: true },
  { name: '_record_ts', type: { kind: 'timestamp' }, nullable: true },
]
const ROWS = 100
const DELETED = [0, 3, 4, 50, 98, 99]
const UUID = '^-aqEH.-t@S}K{vb[*k^'

let root = ''
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-vectors-'))
})
after(() => rm(root, { recursive: true, force: true }))

function offsets(): ColumnValues[] {
  const numbers = Array.from({ length: ROWS }, (_, n) => n)
  return [
    {
      layout: 'bytes',
      offsets: Int32Array.from({ length: ROWS + 1 }, (_, n) => n * 6),
      data: Buffer.from('orders'.repeat(ROWS)),
    },
    { layout: 'int32', data: new Int32Array(ROWS) },
    { layout: 'int32', data: new Int32Array(ROWS) },
    { layout: 'int64', data: BigInt64Array.from(numbers, BigInt) },
    { layout: 'int64', data: BigInt64Array.from(numbers, (n) => BigInt(n) * 1_000_000n) },
  ]
}

async function tableWith(store: ObjectStore, vector: DeletionVector): Promise<Snapshot> {
  const columns = offsets().map((values, at) => ({ type: FIELDS[at]!.type, length: ROWS, validity: null, values }))
  const file = await writeDataFile({
    store,
    batches: [{ length: ROWS, fields: FIELDS, columns }],
    fields: FIELDS,
    partitionColumns: [],
    partitionValues: {},
    unstated: new Set(),
    newId: randomUUID,
  })
  await commit(store, null, { create: { fields: FIELDS, partitionColumns: [], configuration: {} }, adds: [file] })
  const standing = [...(await openSnapshot(store))!.files.values()]
  await commit(store, await openSnapshot(store), {
    adds: [{ ...file, deletionVector: vector }],
    removes: standing,
    reads: 'removed-files',
  })
  return (await openSnapshot(store))!
}

const data = vectorBytes(containersOf(DELETED, () => 'plain'))
const { bytes, offsets: places } = vectorFile([vectorBytes(containersOf([1, 2], () => 'plain')), data])
const known = { sizeInBytes: data.length, cardinality: DELETED.length }

const KINDS: Readonly<Record<string, (folder: string) => DeletionVector>> = {
  'in a file beside the table': () => ({ ...known, storageType: 'u', pathOrInlineDv: UUID, offset: places[1]! }),
  'in a file below a prefix': () => ({ ...known, storageType: 'u', pathOrInlineDv: `x1${UUID}`, offset: places[1]! }),
  'in a file by its whole path': (folder) => ({
    ...known,
    storageType: 'p',
    pathOrInlineDv: `file://${folder}/deep/vectors.bin`,
    offset: places[1]!,
  }),
  'in the log': () => ({ ...known, storageType: 'i', pathOrInlineDv: base85(data), offset: null }),
}

for (const [kind, vectorIn] of Object.entries(KINDS)) {
  test(`rows that a vector ${kind} names are in no answer, no proof and no lane's last record`, async () => {
    const folder = join(root, kind.replaceAll(' ', '-'))
    const store = openFilesystemStore(folder)
    const vector = vectorIn(folder)
    const path = vectorPath(vector, store.uri)
    if (path !== null) await store.put(path, bytes)
    else assert.ok(decodeBase85(vector.pathOrInlineDv) !== null)
    const snapshot = await tableWith(store, vector)
    const engine = openDuckdbEngine({ memoryLimitBytes: 128 << 20, threads: 1, tempFolder: join(root, 'temp') })
    try {
      const [landed] = await readLandedOffsets(engine, store, snapshot)
      assert.deepEqual(
        landed!.landed.map(({ first, next }) => [Number(first), Number(next)]),
        [
          [1, 3],
          [5, 50],
          [51, 98],
        ],
      )
      assert.deepEqual(landed!.doubled, [])
      assert.equal([...snapshot.files.values()][0]!.rows, ROWS - DELETED.length)
      const positions = new Map([[0, { source: null, epoch: 0, next: 100n }]])
      const last = await readLastLanded({ store, snapshot, topic: 'orders', positions })
      assert.deepEqual(last.get(0), { offset: 97n, recordTs: 97_000_000n })
      const { added, removed } = (await readChanges(store, { after: 0, to: 1 }))!
      const views = [
        await engineInput({ name: 'came', store, snapshot, files: added }),
        await engineInput({ name: 'went', store, snapshot, files: removed }),
      ]
      const [gone] = await engine.ask({
        inputs: views,
        questions: ['select _offset from went except all select _offset from came order by all'],
      })
      assert.deepEqual(
        gone!.map((row) => Number(row['_offset'])),
        DELETED,
      )
      if (path === null) return
      await store.delete([path])
      await assert.rejects(readLandedOffsets(engine, store, snapshot), {
        code: 'TABLE_FILES_MISSING',
        message: /vector/,
      })
    } finally {
      await engine.close()
    }
  })
}
