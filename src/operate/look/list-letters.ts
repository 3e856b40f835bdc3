import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, parseTableName, type TableName } from '../../domain/identifier.ts'
import { distinctLetters, listLanes, readHealings, readLetters, type LetterFilter } from '../../error-lane/ledger.ts'
import type { LaneRecord } from '../../error-lane/lane-record.ts'
import { RowIdSet } from '../../error-lane/row-id.ts'
import { letterState, type LetterState } from '../../error-lane/letter-state.ts'
import { hasPassed } from '../../ingest/lane/lane-position.ts'
import { openSnapshot, type Snapshot } from '../../lake/snapshot.ts'
import type { World } from '../../ports/world.ts'
import { readLandedOffsets } from '../landed-offsets.ts'
import { indexLanded, indexSkips, type OffsetIndex } from '../offset-index.ts'

export type LettersWorld = Pick<World, 'lake' | 'settings' | 'engine'>

export interface ListedLetter {
  readonly record: LaneRecord
  readonly state: LetterState
}

/** The error lanes that names select; all that settings declare or the ledger has where none is named. */
export async function selectLanes(world: LettersWorld, names: readonly string[]): Promise<readonly TableName[]> {
  const lanes = new Map<string, TableName>()
  for (const table of world.settings.tables.keys()) lanes.set(`bronze.${table}`, { layer: 'bronze', table })
  for (const lane of await listLanes(world.lake.at('_errors'))) lanes.set(formatTableName(lane), lane)
  if (names.length === 0) return [...lanes.values()]
  return names.map((name) => {
    const lane = lanes.get(formatTableName(parseTableName(name, 'bronze')))
    if (lane !== undefined) return lane
    throw new SluiceError(
      'TABLE_UNKNOWN',
      `no table ${JSON.stringify(name)} has an error lane; there are ${[...lanes.keys()].join(', ') || 'none'}`,
      {
        where: { table: name },
      },
    )
  })
}

/** Each letter of a lane once, with what became of it. The table is read when the first letter needs it. */
export async function* listLetters(
  world: LettersWorld,
  lane: TableName,
  filter: LetterFilter,
): AsyncIterable<ListedLetter> {
  const store = world.lake.at('_errors')
  let facts: LaneFacts | null = null
  for await (const record of distinctLetters(readLetters(store, lane, filter))) {
    facts ??= await readFacts(world, lane)
    yield { record, state: stateOf(record, facts) }
  }
}

interface LaneFacts {
  readonly snapshot: Snapshot | null
  readonly landed: OffsetIndex
  readonly skipped: OffsetIndex
  /** Row ids that some healing names. */
  readonly healed: RowIdSet
}

async function readFacts(world: LettersWorld, lane: TableName): Promise<LaneFacts> {
  const table = world.lake.at(`${lane.layer}/${lane.table}`)
  const snapshot = lane.layer === 'bronze' ? await openSnapshot(table) : null
  const landed = snapshot === null ? [] : await readLandedOffsets(await world.engine(), table, snapshot)
  const healed = new RowIdSet()
  for await (const { rowId } of readHealings(world.lake.at('_errors'), lane)) healed.add(rowId)
  const skipped = await indexSkips(world.lake.at('_errors'), lane)
  return { snapshot, landed: indexLanded(landed), skipped, healed }
}

function stateOf(record: LaneRecord, { snapshot, landed, skipped, healed }: LaneFacts): LetterState {
  const hasHealing = healed.has(record.row_id)
  const { topic, partition, offset } = record
  if (topic === null || partition === null || offset === null) {
    return letterState(record, { landed: false, passed: true, skipped: false, hasHealing })
  }
  const at = { topic, partition, epoch: record.epoch ?? 0, offset: BigInt(offset) }
  const passed = snapshot !== null && hasPassed(snapshot.txns, at)
  return letterState(record, { landed: landed.has(at), passed, skipped: skipped.has(at), hasHealing })
}
