import type { DeadLetter, Healing } from '../domain/dead-letter.ts'
import type { Happening } from '../domain/events.ts'
import { fromLaneRecord, type LaneRecord } from '../error-lane/lane-record.ts'
import { openingKeys } from '../error-lane/seal.ts'
import { readHealings, readLetters, type LetterFilter } from '../error-lane/ledger.ts'
import { writeHealings } from '../error-lane/write-healings.ts'
import { appendRefused } from '../extract/append-refused.ts'
import { findTable } from '../ingest/lane/lane-table.ts'
import type { World } from '../ports/world.ts'

export type AppendWorld = Pick<
  World,
  'settings' | 'clock' | 'lake' | 'log' | 'registry' | 'events' | 'runId' | 'traceId' | 'signal'
>

export interface AppendLettersRequest {
  readonly world: AppendWorld
  /** The bronze table in whose lane the letters are. */
  readonly table: string
  readonly filter: LetterFilter
  readonly dryRun: boolean
}

export interface AppendedLetters {
  /** In the topic now, for the first time; on a dry run: would be. */
  appended: number
  failed: number
  /** Of those that stay: code, field and rule → letters. */
  readonly rules: Map<string, number>
}

/** Letters held at once, and their bytes. */
const CHUNK_LETTERS = 5_000
const CHUNK_BYTES = 16 * 1024 * 1024

/**
 * Encodes the open letters of stage connect again, under the wire schema in force, and appends those that it can hold
 * (I15); the next ingest reads them like any record. The append comes first and its healing after it, since for a
 * record without an offset the healing is all that tells: one without its append would be a hole. A death in between is
 * made good by the next call, which finds in the source's state that the append was made.
 */
export async function appendLetters(request: AppendLettersRequest): Promise<AppendedLetters> {
  const { world, table, filter, dryRun } = request
  const store = world.lake.at('_errors')
  const lane = { layer: 'bronze', table } as const
  const report: AppendedLetters = { appended: 0, failed: 0, rules: new Map() }
  const seen = new Set<string>()
  for await (const healing of readHealings(store, lane)) seen.add(healing.rowId)
  let chunk: DeadLetter[] = []
  let bytes = 0
  const settle = async (): Promise<void> => {
    for (const [source, letters] of groupBySource(chunk))
      await appendChunk({ world, table, dryRun }, report, { source, letters })
    chunk = []
    bytes = 0
  }
  for await (const record of readLetters(store, lane, { ...filter, stage: 'connect' })) {
    if (record.source === null || seen.has(record.row_id)) continue
    seen.add(record.row_id)
    chunk.push(fromLaneRecord(record, openingKeys(world.settings.errors)))
    bytes += sizeOf(record)
    if (chunk.length < CHUNK_LETTERS && bytes < CHUNK_BYTES) continue
    world.signal.throwIfAborted()
    await settle()
  }
  await settle()
  return report
}

interface SourceLetters {
  readonly source: string
  readonly letters: readonly DeadLetter[]
}

async function appendChunk(
  { world, table, dryRun }: Omit<AppendLettersRequest, 'filter'>,
  report: AppendedLetters,
  { source: name, letters }: SourceLetters,
): Promise<void> {
  const source = world.settings.sources.get(name)
  if (source === undefined) {
    report.failed += letters.length
    count(report.rules, `SOURCE_UNKNOWN - source ${name} is not in the settings`, letters.length)
    return
  }
  const { passed, failed } = await appendRefused({ world, source, letters, dryRun })
  const stays = new Set(failed)
  for (const { rowId, errors } of letters) {
    if (!stays.has(rowId)) continue
    report.failed += 1
    for (const { code, field, rule } of errors) count(report.rules, `${code} ${field ?? '-'} ${rule}`)
  }
  report.appended += passed.length
  if (!dryRun) await heal(world, table, passed)
}

async function heal(world: AppendWorld, table: string, rowIds: readonly string[]): Promise<void> {
  const version = ((await findTable(world.lake, table))?.version ?? -1) + 1
  const atMs = world.clock.nowMs()
  const written = await writeHealings({
    store: world.lake.at('_errors'),
    layer: 'bronze',
    table,
    runId: world.runId,
    healings: rowIds.map((rowId): Healing => ({ rowId, table: `bronze.${table}`, version, atMs })),
    newId: () => world.clock.newId(),
  })
  if (written === null) return
  const happening: Happening = { type: 'healings.written', table, healings: written.healings, path: written.path }
  world.events.emit({ runId: world.runId, traceId: world.traceId, jobName: `redrive:${table}`, ...happening })
}

function groupBySource(letters: readonly DeadLetter[]): Map<string, DeadLetter[]> {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const name = letter.source?.source ?? ''
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [letter])
    else group.push(letter)
  }
  return groups
}

function count(rules: Map<string, number>, rule: string, letters = 1): void {
  rules.set(rule, (rules.get(rule) ?? 0) + letters)
}

function sizeOf(record: LaneRecord): number {
  return (record.raw?.length ?? 0) + 512
}
