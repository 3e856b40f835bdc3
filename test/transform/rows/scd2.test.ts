import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { openDuckdbEngine } from '../../../src/adapters/duckdb/duckdb-engine.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { latestOfSourceSql } from '../../../src/transform/rows/merge.ts'
import { shapeOf } from '../../../src/transform/rows/result-shape.ts'
import { versionsSql } from '../../../src/transform/rows/scd2.ts'
import { CHANGE_FIELDS, model } from '../lake-fixture.ts'
import { compareChanges, historySql, randomHistory, sequenceOf, timeOf } from './random-history.ts'
import type { Change } from './random-history.ts'

const folder = await mkdtemp(join(tmpdir(), 'sluice-rows-'))
const engine = openDuckdbEngine({ memoryLimitBytes: 1 << 28, threads: 1, tempFolder: folder })
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const COLUMNS: readonly ColumnField[] = [
  { name: 'k', type: { kind: 'string' }, nullable: true },
  { name: 'changed_at', type: { kind: 'timestamp' }, nullable: true },
  { name: 'tie', type: { kind: 'string' }, nullable: true },
  { name: 'v', type: { kind: 'string' }, nullable: true },
  ...CHANGE_FIELDS,
]
const DIMENSION = model(
  'gold.dim',
  'kind: scd2\nkey: k\nsequence_by: changed_at\ntie_break: tie\ntrack: v\nsurrogate_key: sk\n',
  'select 1',
)
const LATEST = model('silver.latest', 'kind: merge\nkey: k\nsequence_by: changed_at\ntie_break: tie\n', 'select 1')

interface Version {
  readonly sk: string
  readonly k: string
  readonly v: string | null
  readonly valid_from: string
  readonly valid_to: string | null
  readonly is_current: boolean
}

/** Walks each key's changes in order, one a time: the plain reading of DESIGN §1. */
function referenceVersions(changes: readonly Change[]): readonly Version[] {
  const versions: Version[] = []
  for (const key of new Set(changes.map((change) => change.key))) {
    const atTime = new Map<number, Change>()
    for (const change of changes) {
      const at = sequenceOf(change)
      if (change.key !== key || at === null) continue
      const standing = atTime.get(at)
      if (standing === undefined || compareChanges(standing, change) < 0) atTime.set(at, change)
    }
    let open: { v: string | null; from: number } | null = null
    const close = (to: number | null): void => {
      if (open === null) return
      const micros = BigInt(Date.parse(timeOf(open.from))) * 1000n
      versions.push({
        sk: createHash('md5').update(`${key}\u001f${micros}`).digest('hex'),
        k: key,
        v: open.v,
        valid_from: timeOf(open.from),
        valid_to: to === null ? null : timeOf(to),
        is_current: to === null,
      })
      open = null
    }
    for (const [at, change] of [...atTime].toSorted(([a], [b]) => a - b)) {
      const current: { v: string | null; from: number } | null = open
      if (change.op === 'd') close(at)
      else if (current === null || (current as { v: string | null }).v !== change.value) {
        close(at)
        open = { v: change.value, from: at }
      }
    }
    close(null)
  }
  return versions
}

function referenceLatest(changes: readonly Change[]): readonly object[] {
  const latest = new Map<string, Change>()
  for (const change of changes) {
    const standing = latest.get(change.key)
    if (standing === undefined || compareChanges(standing, change) < 0) latest.set(change.key, change)
  }
  return [...latest.values()].map((change) => {
    const deleted = change.op === 'd'
    const sequence = sequenceOf(change)
    return {
      k: change.key,
      changed_at: deleted || change.minute === null ? null : timeOf(change.minute),
      tie: deleted ? null : change.tie,
      v: deleted ? null : change.value,
      _deleted: deleted,
      _sequence: sequence === null ? null : timeOf(sequence),
      _tie_1: change.tie,
      _epoch: change.epoch,
      _partition: change.partition,
      _offset: String(change.offset),
    }
  })
}

async function ask(sql: string): Promise<readonly string[]> {
  const [rows] = await engine.ask({ inputs: [], questions: [sql] })
  return texts(rows ?? [])
}

function texts(rows: readonly object[]): readonly string[] {
  return rows
    .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
    .toSorted()
}

test('I11: versions are those of a plain walk over the changes, whatever the ties, deletions and order of arrival', async () => {
  const shape = shapeOf(DIMENSION, { columns: COLUMNS, mainLayer: 'bronze', added: [] })
  await fc.assert(
    fc.asyncProperty(randomHistory, async (changes) => {
      assert.deepEqual(await ask(versionsSql(DIMENSION, shape, historySql(changes))), texts(referenceVersions(changes)))
    }),
    { numRuns: 60 },
  )
})

test('I11: the latest row is the greatest by change order, and a deleted key keeps its place in that order', async () => {
  const shape = shapeOf(LATEST, { columns: COLUMNS, mainLayer: 'bronze', added: [] })
  await fc.assert(
    fc.asyncProperty(randomHistory, async (changes) => {
      assert.deepEqual(
        await ask(latestOfSourceSql(LATEST, shape, historySql(changes))),
        texts(referenceLatest(changes)),
      )
    }),
    { numRuns: 60 },
  )
})

test('an event that changed nothing still bounds a late one', async () => {
  const change = (minute: number, value: string, offset: number): Change => ({
    key: 'a',
    op: 'u',
    recordMinute: 0,
    tie: 'x',
    epoch: 0,
    partition: 0,
    minute,
    value,
    offset,
  })
  const shape = shapeOf(DIMENSION, { columns: COLUMNS, mainLayer: 'bronze', added: [] })
  const sql = versionsSql(DIMENSION, shape, historySql([change(1, 'A', 0), change(5, 'A', 1), change(3, 'B', 2)]))
  const [rows] = await engine.ask({
    inputs: [],
    questions: [`select v, valid_from, valid_to from (${sql}) order by 2`],
  })
  assert.deepEqual(rows, [
    { v: 'A', valid_from: timeOf(1), valid_to: timeOf(3) },
    { v: 'B', valid_from: timeOf(3), valid_to: timeOf(5) },
    { v: 'A', valid_from: timeOf(5), valid_to: null },
  ])
})
