import assert from 'node:assert/strict'
import type { Told } from './race-actor.ts'
import { rowKey, type RaceRow } from './race-table.ts'

/** What must be true of a race, reckoned from its log entries as plain JSON and from what its processes told. Pure. */

export type LogLine = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface RaceLog {
  /** By version, from 0. */
  readonly entries: readonly (readonly LogLine[])[]
  readonly told: readonly Told[]
}

export interface RaceFigures {
  readonly versions: number
  readonly rows: number
  readonly appends: number
  readonly merges: number
  readonly compactions: number
  readonly conflicts: number
  readonly reads: number
  readonly oldReads: number
  readonly vacuumed: number
}

type State = ReadonlyMap<string, readonly RaceRow[]>

/**
 * Every acknowledged row is there from its commit on, once, with at least the revision that was acknowledged; each lane
 * holds the offsets before its position and no others; every version was acknowledged by exactly one process; a
 * compaction changes no row; readers saw the rows of the version that they read. Gives the rows at the end.
 */
export function checkRace({ entries, told }: RaceLog): {
  readonly rows: readonly RaceRow[]
  readonly figures: RaceFigures
} {
  const files = new Map(told.flatMap((each) => (each.kind === 'prepared' ? [[each.path, each.rows] as const] : [])))
  const acks = Map.groupBy(
    told.filter((each) => each.kind === 'committed'),
    ({ version }) => version,
  )
  const reads = Map.groupBy(
    told.filter((each) => each.kind === 'read'),
    ({ version }) => version,
  )
  const promised = new Map<string, number>()
  const positions = new Map<string, number>()
  let state: State = new Map()
  for (const [version, lines] of entries.entries()) {
    const where = `version ${version}`
    const before = state
    state = applied(before, lines, files)
    const rows = [...state.values()].flat()
    const operation = lines.map(({ commitInfo }) => commitInfo?.['operation']).find((each) => each !== undefined)
    for (const { txn } of lines) if (txn !== undefined) move(positions, txn, where)
    const ack = acks.get(version) ?? []
    const isMark = version === 0 || String(operation).startsWith('VACUUM')
    assert.equal(ack.length, isMark ? 0 : 1, `${where} (${String(operation)}) was acknowledged ${ack.length} times`)
    const what = ack[0]?.what
    if (what?.kind === 'append') for (const row of what.rows) promised.set(rowKey(row), 0)
    if (what?.kind === 'merge') {
      assert.equal(what.row[2], promised.get(rowKey(what.row))! + 1, `${where} merged over a merge that it did not see`)
      promised.set(rowKey(what.row), what.row[2])
    }
    if (what?.kind === 'compaction') assert.deepEqual(sorted(rows), sorted([...before.values()].flat()), where)
    checkRows(rows, { promised, positions, where })
    for (const read of reads.get(version) ?? [])
      assert.deepEqual(sorted(read.rows), sorted(rows), `a reader of ${where}`)
  }
  const committed = told.flatMap((each) => (each.kind === 'committed' ? [each.what.kind] : []))
  const of = (kind: string): number => committed.filter((each) => each === kind).length
  const allReads = told.filter((each) => each.kind === 'read')
  return {
    rows: [...state.values()].flat(),
    figures: {
      versions: entries.length,
      rows: promised.size,
      appends: of('append'),
      merges: of('merge'),
      compactions: of('compaction'),
      conflicts: told.filter(({ kind }) => kind === 'conflicted').length,
      reads: allReads.length,
      oldReads: allReads.filter(({ version, newest }) => version < newest).length,
      vacuumed: told.reduce((sum, each) => sum + (each.kind === 'vacuumed' ? each.files : 0), 0),
    },
  }
}

export function sorted(rows: readonly RaceRow[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort()
}

function applied(before: State, lines: readonly LogLine[], files: ReadonlyMap<string, readonly RaceRow[]>): State {
  const state = new Map(before)
  for (const { remove } of lines) {
    if (remove !== undefined)
      assert.ok(state.delete(String(remove['path'])), `${String(remove['path'])} was removed twice`)
  }
  for (const { add } of lines) {
    if (add === undefined) continue
    const rows = files.get(String(add['path']))
    assert.ok(rows !== undefined, `nobody told of ${String(add['path'])}`)
    state.set(String(add['path']), rows)
  }
  return state
}

/** Positions only grow; whose turn it is goes up by one. */
function move(positions: Map<string, number>, txn: Readonly<Record<string, unknown>>, where: string): void {
  const [app, version] = [String(txn['appId']), Number(txn['version'])]
  const before = positions.get(app) ?? 0
  assert.ok(version > before, `${app} went from ${before} to ${version} in ${where}`)
  if (app.startsWith('sluice/race/merger')) assert.equal(version, before + 1, `${app} in ${where}`)
  positions.set(app, version)
}

interface Promises {
  readonly promised: ReadonlyMap<string, number>
  readonly positions: ReadonlyMap<string, number>
  readonly where: string
}

function checkRows(rows: readonly RaceRow[], { promised, positions, where }: Promises): void {
  const seen = new Map(rows.map((row) => [rowKey(row), row[2]]))
  assert.equal(seen.size, rows.length, `${where} holds a row twice`)
  assert.deepEqual(seen.size, promised.size, `${where} holds other rows than those acknowledged`)
  for (const [key, rev] of promised) assert.equal(seen.get(key), rev, `revision of ${key} in ${where}`)
  for (const [lane, own] of Map.groupBy(rows, ([each]) => each)) {
    const offsets = own.map(([, n]) => n).sort((a, b) => a - b)
    assert.deepEqual(
      offsets,
      Array.from({ length: positions.get(`sluice/race/${lane}`) ?? 0 }, (_, n) => n),
      `offsets of ${lane} in ${where}`,
    )
  }
}
