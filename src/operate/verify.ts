import { normalizeRanges, type OffsetRange } from '../domain/offset-range.ts'
import { recordOffset } from '../domain/record-batch.ts'
import type { BronzeTableSettings } from '../domain/settings.ts'
import { SluiceError } from '../domain/errors.ts'
import { readHealings, readLetters, readSkips } from '../error-lane/ledger.ts'
import { positionedPartitions, readPosition } from '../ingest/lane/lane-position.ts'
import { findTable } from '../ingest/lane/lane-table.ts'
import type { World } from '../ports/world.ts'
import { judgeConservation, type Conservation } from './conservation.ts'
import { readLandedOffsets, type LandedOffsets } from './landed-offsets.ts'

export interface PartitionProof extends Conservation {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly first: bigint
  readonly next: bigint
  /** With `againstLog`: live records inside a skip that claims there are none. */
  readonly liveInSkip: readonly OffsetRange[]
}

export interface TableProof {
  readonly table: string
  readonly ok: boolean
  readonly partitions: readonly PartitionProof[]
  /** Letters of records that never reached a topic. */
  readonly refusedAtSource: number
}

type VerifyWorld = Pick<World, 'lake' | 'engine' | 'log' | 'settings'>

/** Skips that claim that the log holds no record for us; the others say that a person or time passed over some. */
const CLAIMS_NO_RECORD = new Set(['start', 'control', 'aborted', 'compacted'])

/** Proves conservation of one table from its files, its lane's files and its positions (I17). */
export async function verifyTable(
  world: VerifyWorld,
  table: BronzeTableSettings,
  options: { readonly againstLog: boolean },
): Promise<TableProof> {
  const name = `bronze.${table.table}`
  const snapshot = await findTable(world.lake, table.table)
  const lane = await readLane(world, table.table)
  if (snapshot === null) return { table: name, ok: true, partitions: [], refusedAtSource: lane.refusedAtSource }
  const landed = await readLandedOffsets(await world.engine(), world.lake.at(`bronze/${table.table}`), snapshot)
  const partitions: PartitionProof[] = []
  for (const at of provenPartitions(table.topic, snapshot.txns, landed)) {
    const key = laneKey(at)
    const rows = landed.find((each) => laneKey(each) === key)
    const letters = lane.letters.get(key) ?? []
    const skips = lane.skips.get(key) ?? []
    // An earlier epoch ended where its last row, letter or skip lies: its position was replaced by the next epoch's.
    const next = at.next ?? lastOf([...(rows?.landed ?? []), ...letters, ...skips.map((skip) => skip.range)])
    const proof = judgeConservation({
      first: 0n,
      next,
      landed: rows?.landed ?? [],
      doubled: rows?.doubled ?? [],
      letters,
      healed: lane.healed.get(key) ?? [],
      skips: skips.map((skip) => skip.range),
    })
    const liveInSkip = options.againstLog && (await isInForce(world, at)) ? await findLive(world, at, skips) : []
    partitions.push({ ...at, next, first: 0n, ...proof, liveInSkip, ok: proof.ok && liveInSkip.length === 0 })
  }
  return {
    table: name,
    ok: partitions.every((partition) => partition.ok),
    partitions,
    refusedAtSource: lane.refusedAtSource,
  }
}

interface ProvenPartition {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  /** Null for an epoch before the one in force. */
  readonly next: bigint | null
  /** The topic that the position belongs to. */
  readonly source: bigint | null
}

/** The log can speak only of the incarnation of the topic that it holds. */
async function isInForce(world: VerifyWorld, { topic, next, source }: ProvenPartition): Promise<boolean> {
  if (next === null) return false
  const description = await world.log.describe(topic)
  return description !== null && (source === null || description.source === source)
}

/** Every partition that has a position, and every (partition, epoch) that has rows. */
function provenPartitions(
  topic: string,
  txns: ReadonlyMap<string, bigint>,
  landed: readonly LandedOffsets[],
): ProvenPartition[] {
  const proven = new Map<string, ProvenPartition>()
  for (const { topic: landedTopic, partition, epoch } of landed) {
    const at = { topic: landedTopic, partition, epoch }
    proven.set(laneKey(at), { ...at, next: null, source: null })
  }
  const topics = new Set([topic, ...landed.map((each) => each.topic)])
  for (const each of topics) {
    for (const partition of positionedPartitions(txns, each)) {
      const position = readPosition(txns, { topic: each, partition })!
      const at = { topic: each, partition, epoch: position.epoch }
      proven.set(laneKey(at), { ...at, next: position.next, source: position.source })
    }
  }
  return [...proven.values()].sort(
    (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.epoch - b.epoch,
  )
}

interface LaneOffsets {
  readonly letters: Map<string, OffsetRange[]>
  readonly healed: Map<string, OffsetRange[]>
  readonly skips: Map<string, { readonly range: OffsetRange; readonly reason: string }[]>
  readonly refusedAtSource: number
}

async function readLane(world: VerifyWorld, table: string): Promise<LaneOffsets> {
  const store = world.lake.at('_errors')
  const lane = { layer: 'bronze', table } as const
  const healedRows = new Set<string>()
  for await (const healing of readHealings(store, lane)) healedRows.add(healing.rowId)
  const letters = new Map<string, OffsetRange[]>()
  const healed = new Map<string, OffsetRange[]>()
  const fromSource = new Set<string>()
  for await (const record of readLetters(store, lane)) {
    if (record.stage === 'gate') continue
    if (record.topic === null || record.partition === null || record.offset === null) {
      fromSource.add(record.row_id)
      continue
    }
    const at = { topic: record.topic, partition: record.partition, epoch: record.epoch ?? 0 }
    push(letters, laneKey(at), BigInt(record.offset))
    if (healedRows.has(record.row_id)) push(healed, laneKey(at), BigInt(record.offset))
  }
  const skips: LaneOffsets['skips'] = new Map()
  for await (const skip of readSkips(store, lane)) {
    const key = laneKey(skip)
    skips.set(key, [...(skips.get(key) ?? []), { range: { first: skip.first, next: skip.next }, reason: skip.reason }])
  }
  for (const map of [letters, healed]) for (const [key, ranges] of map) map.set(key, normalizeRanges(ranges))
  return { letters, healed, skips, refusedAtSource: fromSource.size }
}

/** Records of the log inside skips that claim that there are none. */
async function findLive(
  world: VerifyWorld,
  at: ProvenPartition,
  skips: readonly { readonly range: OffsetRange; readonly reason: string }[],
): Promise<OffsetRange[]> {
  const live: OffsetRange[] = []
  for (const { range, reason } of skips) {
    if (!CLAIMS_NO_RECORD.has(reason)) continue
    let from = range.first
    while (from < range.next) {
      const fetched = await world.log.fetch({
        topic: at.topic,
        partition: at.partition,
        from,
        maxBytes: world.settings.ingest.fetchBytes,
        waitMs: 0,
      })
      if (fetched.kind === 'out_of_range' && fetched.start > from) {
        from = fetched.start
        continue
      }
      if (fetched.kind !== 'batches') break
      for (const batch of fetched.batches) {
        for (let i = 0; i < batch.count; i += 1) {
          const offset = recordOffset(batch, i)
          if (offset >= range.first && offset < range.next) live.push({ first: offset, next: offset + 1n })
        }
        from = batch.next
      }
    }
  }
  return normalizeRanges(live)
}

/** The bronze tables that a verb named, or all; an unknown one is refused by name. */
export function selectTables(
  tables: ReadonlyMap<string, BronzeTableSettings>,
  names: readonly string[],
): BronzeTableSettings[] {
  if (names.length === 0) return [...tables.values()]
  return names.map((name) => {
    const table = tables.get(name.startsWith('bronze.') ? name.slice('bronze.'.length) : name)
    if (table !== undefined) return table
    throw new SluiceError(
      'TABLE_UNKNOWN',
      `there is no bronze table ${JSON.stringify(name)}; there are ${[...tables.keys()].join(', ') || 'none'}`,
      { where: { table: name } },
    )
  })
}

function laneKey({
  topic,
  partition,
  epoch,
}: {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
}): string {
  return `${topic}/${partition}/${epoch}`
}

function push(map: Map<string, OffsetRange[]>, key: string, offset: bigint): void {
  const ranges = map.get(key)
  if (ranges === undefined) map.set(key, [{ first: offset, next: offset + 1n }])
  else ranges.push({ first: offset, next: offset + 1n })
}

function lastOf(ranges: readonly OffsetRange[]): bigint {
  return ranges.reduce((last, range) => (range.next > last ? range.next : last), 0n)
}
