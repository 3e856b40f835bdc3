import type { Skip } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import type { TableName } from '../domain/identifier.ts'
import type { Happening } from '../domain/events.ts'
import { normalizeRanges, type OffsetRange } from '../domain/offset-range.ts'
import { isoDate } from '../error-lane/lane-path.ts'
import { listLetterFiles, readLetters } from '../error-lane/ledger.ts'
import { writeSkips } from '../error-lane/write-skips.ts'
import { hasPassed, OPERATE_APP_ID } from '../ingest/lane/lane-position.ts'
import { findTable } from '../ingest/lane/lane-table.ts'
import { commitTransaction } from '../lake/commit.ts'
import { nameFact } from '../lake/name-fact.ts'
import type { Snapshot } from '../lake/snapshot.ts'
import type { World } from '../ports/world.ts'
import { readLandedOffsets } from './landed-offsets.ts'
import { indexLanded } from './offset-index.ts'

const MAX_ATTEMPTS = 5

export type ExpireWorld = Pick<World, 'settings' | 'clock' | 'lake' | 'engine' | 'runId' | 'traceId' | 'events'>

/**
 * Removes the letters of a bronze table that are older than `errors.retention`, by whole days. What the table does not
 * hold and no younger letter names leaves a skip (expired), written before the letters go, so that conservation still
 * holds (I17). An empty commit on `sluice/operate` stands between: an operator who lands one of the letters meanwhile
 * wins, or begins again and finds the skip. A death in between leaves skips and letters, which is harmless: the next pass
 * removes the letters.
 * Returns the number of files removed. Throws COMMIT_CONTENDED.
 */
export async function expireLetters(world: ExpireWorld, table: string): Promise<number> {
  const { retentionMs } = world.settings.errors
  if (retentionMs === null) return 0
  const store = world.lake.at('_errors')
  const lane = { layer: 'bronze', table } as const
  const beforeDate = isoDate(world.clock.nowMs() - retentionMs)
  const files: string[] = []
  for await (const path of listLetterFiles(store, lane, beforeDate)) files.push(path)
  if (files.length === 0) return 0
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const snapshot = await findTable(world.lake, table)
    const skips = await expiredSkips(world, table, { snapshot, beforeDate })
    const written = await writeSkips({ store, ...lane, runId: world.runId, skips, newId: () => world.clock.newId() })
    if (written !== null && snapshot !== null && !(await commitMark(world, table, snapshot))) {
      await store.delete([written.path])
      continue
    }
    if (written !== null) emitOf(world, table)({ type: 'skips.written', table, ...written })
    await store.delete(files)
    return files.length
  }
  throw new SluiceError(
    'COMMIT_CONTENDED',
    `operators' commits on bronze.${table} won ${MAX_ATTEMPTS} times in a row: letters that are too old stay until the next pass`,
    { where: { table: `bronze.${table}` } },
  )
}

/** Whether no operator has committed since the snapshot; then none who began before it can any more. */
async function commitMark(world: ExpireWorld, table: string, snapshot: Snapshot): Promise<boolean> {
  const emit = emitOf(world, table)
  const operate = snapshot.txns.get(OPERATE_APP_ID) ?? null
  const outcome = await commitTransaction({
    store: world.lake.at(`bronze/${table}`),
    snapshot,
    adds: [],
    removes: [],
    txns: new Map([[OPERATE_APP_ID, (operate ?? 0n) + 1n]]),
    expectTxns: new Map([[OPERATE_APP_ID, operate]]),
    reads: 'nothing',
    dataChange: false,
    operation: { name: 'EXPIRE LETTERS', parameters: { runId: world.runId }, metrics: {} },
    clock: world.clock,
    onEvent: (fact) => emit(nameFact(fact, `bronze.${table}`)),
  })
  return outcome.kind === 'committed'
}

function emitOf({ events, runId, traceId }: ExpireWorld, table: string): (happening: Happening) => void {
  return (happening) => events.emit({ runId, traceId, jobName: `expire:${table}`, ...happening })
}

/**
 * Removes the letters that gates of these models wrote before `errors.retention`, by whole days. No offset depends on
 * them.
 * Returns the number of files removed.
 */
export async function expireGateLetters(
  { settings, clock, lake }: Pick<ExpireWorld, 'settings' | 'clock' | 'lake'>,
  models: readonly TableName[],
): Promise<number> {
  const { retentionMs } = settings.errors
  if (retentionMs === null) return 0
  const store = lake.at('_errors')
  const beforeDate = isoDate(clock.nowMs() - retentionMs)
  const files: string[] = []
  for (const { layer, table } of models) {
    const lane = { layer, table }
    for await (const path of listLetterFiles(store, lane, beforeDate)) files.push(path)
  }
  await store.delete(files)
  return files.length
}

async function expiredSkips(
  world: ExpireWorld,
  table: string,
  { snapshot, beforeDate }: { readonly snapshot: Snapshot | null; readonly beforeDate: string },
): Promise<Skip[]> {
  const landed = indexLanded(
    snapshot === null ? [] : await readLandedOffsets(await world.engine(), world.lake.at(`bronze/${table}`), snapshot),
  )
  const store = world.lake.at('_errors')
  const lane = { layer: 'bronze', table } as const
  const expired = new Map<string, { topic: string; partition: number; epoch: number; offset: bigint }>()
  for await (const { row_id, topic, partition, epoch, offset } of readLetters(store, lane, {
    beforeDate,
    stage: 'contract',
  })) {
    if (topic === null || partition === null || offset === null) continue
    const at = { topic, partition, epoch: epoch ?? 0, offset: BigInt(offset) }
    // A letter at or after the position is a phantom and leaves nothing.
    if (snapshot !== null && !landed.has(at) && hasPassed(snapshot.txns, at)) expired.set(row_id, at)
  }
  for await (const { row_id } of readLetters(store, lane, { sinceMs: Date.parse(`${beforeDate}T00:00:00Z`) }))
    expired.delete(row_id)
  const ranges = new Map<string, { topic: string; partition: number; epoch: number; offsets: OffsetRange[] }>()
  for (const { topic, partition, epoch, offset } of expired.values()) {
    const key = `${topic}/${partition}/${epoch}`
    const entry = ranges.get(key) ?? { topic, partition, epoch, offsets: [] }
    ranges.set(key, entry)
    entry.offsets.push({ first: offset, next: offset + 1n })
  }
  return [...ranges.values()].flatMap(({ offsets, ...at }) =>
    normalizeRanges(offsets).map((range): Skip => ({ ...at, ...range, reason: 'expired' })),
  )
}
