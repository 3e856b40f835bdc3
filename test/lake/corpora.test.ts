import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import { parquetMetadataAsync } from 'hyparquet'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { readDeletedRows } from '../../src/lake/deletion/read-deleted.ts'
import { orderedValue } from '../../src/lake/files/bound-order.ts'
import { storePath } from '../../src/lake/log/file-key.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { Snapshot } from '../../src/lake/snapshot.ts'

/** Tables that Spark, delta-rs and others wrote. Expected figures are those of delta-rs (PyPI deltalake 1.6.6). */

const CORPORA = resolve(import.meta.dirname, '../../../shared/corpora/delta')
const ABSENT = !existsSync(CORPORA) && `${CORPORA} is absent`

interface Expected {
  readonly version: number
  readonly files: number
  /** Null where the corpus has only the log, so that no engine can read rows. */
  readonly rows: number | null
  readonly columns: string
}

const READ: Readonly<Record<string, Expected>> = {
  'COVID-19_NYT': { version: 0, files: 8, rows: 1_111_930, columns: 'date county state fips cases deaths' },
  'app-txn-checkpoint': { version: 1, files: 4, rows: 22, columns: 'id value modified' },
  'app-txn-no-checkpoint': { version: 1, files: 4, rows: 22, columns: 'id value modified' },
  // Rows: the sum of numRecords, as delta-rs lists them (it reads no rows of this table).
  'checkpoint-v2-table': { version: 9, files: 8, rows: 44, columns: 'id name created_at' },
  checkpoint_with_partitions: { version: 2, files: 2, rows: null, columns: 'id color' },
  checkpoints: { version: 12, files: 12, rows: null, columns: 'some_struct value ts date' },
  'delta-0.8.0': { version: 1, files: 2, rows: 4, columns: 'value' },
  'delta-0.8.0-date': { version: 0, files: 1, rows: 5, columns: 'date dayOfYear' },
  'delta-0.8.0-null-partition': { version: 0, files: 2, rows: 2, columns: 'k v' },
  'delta-0.8.0-numeric-partition': { version: 0, files: 2, rows: 2, columns: 'x y z' },
  'delta-0.8.0-partitioned': { version: 0, files: 6, rows: 7, columns: 'value year month day' },
  'delta-0.8.0-special-partition': { version: 0, files: 2, rows: 2, columns: 'x y' },
  'delta-2.2.0-partitioned-types': { version: 0, files: 3, rows: 3, columns: 'c1 c2 c3' },
  'delta-checkpoint-stats-optional': {
    version: 2,
    files: 2,
    rows: 2,
    columns:
      'integer null boolean double decimal string binary date timestamp struct map array nested_struct struct_of_array_of_map',
  },
  latest_not_checkpointed: { version: 3, files: 1, rows: null, columns: 'letter int date' },
  simple_table: { version: 4, files: 5, rows: 3, columns: 'id' },
  simple_table_with_checkpoint: { version: 10, files: 11, rows: 11, columns: 'version' },
  // Ten rows in the file, two of them (0 and 9) deleted by a vector.
  'table-with-dv-small': { version: 1, files: 1, rows: 8, columns: 'value' },
  'table-without-dv-small': { version: 0, files: 1, rows: 10, columns: 'value' },
  // Rows: two files of numRecords 1.
  table_with_column_mapping: { version: 0, files: 2, rows: 5, columns: 'Company Very Short Super Name' },
  table_with_edge_timestamps: { version: 0, files: 2, rows: 2, columns: 'BIG_DATE NORMAL_DATE SOME_VALUE' },
  with_checkpoint_no_last_checkpoint: { version: 3, files: 1, rows: null, columns: 'letter int date' },
}

const REFUSED: Readonly<Record<string, RegExp>> = {}
/** No table: a folder that a test of another project fills. */
const EMPTY = new Set(['checkpoints_tombstones'])

test('the corpora of foreign tables are there', { skip: ABSENT }, () => undefined)

for (const name of ABSENT === false ? readdirSync(CORPORA) : []) {
  const store = openFilesystemStore(join(CORPORA, name))
  const refusal = REFUSED[name]
  const expected = READ[name]
  if (refusal !== undefined) {
    test(`${name} is refused by name`, () =>
      assert.rejects(openSnapshot(store), { code: 'TABLE_UNSUPPORTED', message: refusal }))
  } else if (EMPTY.has(name)) {
    test(`${name} is no table`, async () => assert.equal(await openSnapshot(store), null))
  } else if (expected === undefined) {
    test(`${name} is read right or refused by name`, () =>
      assert.fail('the expected figures of a new table are wanted'))
  } else {
    test(`${name} is read right`, async () => {
      const snapshot = (await openSnapshot(store))!
      assert.equal(snapshot.version, expected.version)
      assert.equal(snapshot.files.size, expected.files)
      assert.equal(snapshot.metadata.fields.map((field) => field.name).join(' '), expected.columns)
      if (expected.rows !== null) assert.equal(await countRows(join(CORPORA, name), snapshot), expected.rows)
      const stated = [...snapshot.files.values()].map((file) => file.rows)
      if (expected.rows !== null && stated.every((rows) => rows !== null)) {
        assert.equal(
          stated.reduce((sum, rows) => sum + rows!, 0),
          expected.rows,
        )
      }
      const byHand = await replayByHand(join(CORPORA, name))
      if (byHand !== null) assert.deepEqual([...snapshot.files.keys()].sort(), byHand)
    })
  }
}

test('transaction identifiers of other writers are read, with and without a checkpoint', { skip: ABSENT }, async () => {
  for (const name of ['app-txn-checkpoint', 'app-txn-no-checkpoint']) {
    const { txns } = (await openSnapshot(openFilesystemStore(join(CORPORA, name))))!
    assert.deepEqual(
      txns,
      new Map([
        ['my-app', 3n],
        ['my-app2', 2n],
      ]),
    )
  }
})

test('partition values are as they were, whatever the folders are called', { skip: ABSENT }, async () => {
  const values = async (name: string): Promise<unknown> => {
    const { files } = (await openSnapshot(openFilesystemStore(join(CORPORA, name))))!
    return [...files.values()].map((file) => file.partitionValues)
  }
  assert.deepEqual(await values('delta-0.8.0-special-partition'), [{ x: 'A/A' }, { x: 'B B' }])
  assert.deepEqual(await values('delta-0.8.0-null-partition'), [{ k: 'A' }, { k: null }])
})

/** Rows as the footers of the active files count them, less those that their deletion vectors hold. */
async function countRows(folder: string, snapshot: Snapshot): Promise<number> {
  let rows = 0
  const store = openFilesystemStore(folder)
  for (const { path, deletionVector: vector } of snapshot.files.values()) {
    if (vector !== null) rows -= (await readDeletedRows(store, { path, rows: null, vector })).size
    const bytes = await readFile(join(folder, storePath(path)))
    const file = {
      byteLength: bytes.length,
      slice: (start: number, end?: number) => new Uint8Array(bytes.subarray(start, end)).buffer,
    }
    rows += Number((await parquetMetadataAsync(file)).num_rows)
  }
  return rows
}

interface Line {
  readonly add?: { readonly path: string }
  readonly remove?: { readonly path: string }
}

/** Active files by adding and removing line by line; null where the log does not reach back to its beginning. */
async function replayByHand(folder: string): Promise<string[] | null> {
  const names = (await readdir(join(folder, '_delta_log'))).filter((name) => /^\d{20}\.json$/.test(name)).sort()
  if (names[0] !== '00000000000000000000.json') return null
  const active = new Set<string>()
  for (const name of names) {
    const text = await readFile(join(folder, '_delta_log', name), 'utf8')
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
    for (const { remove } of lines) if (remove !== undefined) active.delete(remove.path)
    for (const { add } of lines) if (add !== undefined) active.add(add.path)
  }
  return [...active].sort()
}

test('statistics that a checkpoint states as a struct alone are those of the commits', { skip: ABSENT }, async (t) => {
  const log = join(CORPORA, 'delta-checkpoint-stats-optional/_delta_log')
  const folder = await mkdtemp(join(tmpdir(), 'sluice-stats-'))
  t.after(() => rm(folder, { recursive: true }))
  const statsBy = async (ending: string): Promise<unknown[]> => {
    const copy = join(folder, ending, '_delta_log')
    for (const name of (await readdir(log)).filter((each) => each.endsWith(ending))) {
      await cp(join(log, name), join(copy, name))
    }
    const snapshot = await openSnapshot(openFilesystemStore(dirname(copy)))
    const { fields } = snapshot!.metadata
    return Array.from(snapshot!.files.values(), ({ path, stats }): [string, ...unknown[]] => {
      const bounds = [stats?.min ?? {}, stats?.max ?? {}].map((end) =>
        fields.map(({ name, type }) => String(orderedValue(type, end[name]))),
      )
      return [path, stats?.rows, stats?.nulls['null'], ...bounds]
    }).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }
  const byCommits = await statsBy('.json')
  assert.deepEqual(await statsBy('.parquet'), byCommits)
  assert.match(JSON.stringify(byCommits), /"-567800","[^"]+","null","19289","1666652372846000"/)
})
