import { START, type PartitionPosition, type TopicPartition } from '../../domain/position.ts'

/**
 * Where a lane stands, as its bronze table's `txn` actions state it (I1): one `sluice/<topic>/<partition>` with the
 * next offset, and, written only when they change, `…/source` and `…/epoch`.
 */

/** Moved by an operator's commits (redrive, replay, reset, restore). */
export const OPERATE_APP_ID = 'sluice/operate'

export function offsetAppId({ topic, partition }: TopicPartition): string {
  return `sluice/${topic}/${partition}`
}

export function sourceAppId(at: TopicPartition): string {
  return `${offsetAppId(at)}/source`
}

export function epochAppId(at: TopicPartition): string {
  return `${offsetAppId(at)}/epoch`
}

/** Null where the lane has committed nothing of this partition. */
export function readPosition(txns: ReadonlyMap<string, bigint>, at: TopicPartition): PartitionPosition | null {
  const next = txns.get(offsetAppId(at))
  if (next === undefined) return null
  return { next, epoch: Number(txns.get(epochAppId(at)) ?? 0n), source: txns.get(sourceAppId(at)) ?? null }
}

/** Whether the lane has passed a record. What lies at or after its position, or in an epoch to come, will be read again. */
export function hasPassed(
  txns: ReadonlyMap<string, bigint>,
  at: TopicPartition & { readonly epoch: number; readonly offset: bigint },
): boolean {
  const position = readPosition(txns, at)
  if (position === null || at.epoch > position.epoch) return false
  return at.epoch < position.epoch || at.offset < position.next
}

/** The partitions of a topic that a table has positions for, ascending. */
export function positionedPartitions(txns: ReadonlyMap<string, bigint>, topic: string): number[] {
  const prefix = `sluice/${topic}/`
  const partitions: number[] = []
  for (const appId of txns.keys()) {
    if (!appId.startsWith(prefix)) continue
    const rest = appId.slice(prefix.length)
    if (/^\d+$/.test(rest)) partitions.push(Number(rest))
  }
  return partitions.sort((a, b) => a - b)
}

export interface PositionMove extends TopicPartition {
  /** What the table must still say; null where this is the partition's first commit. */
  readonly from: PartitionPosition | null
  readonly to: PartitionPosition
}

export interface PositionActions {
  readonly txns: ReadonlyMap<string, bigint>
  /** Compare-and-set on (source, epoch, next offset) of every partition in the commit (I3). */
  readonly expectTxns: ReadonlyMap<string, bigint | null>
}

/** The `txn` actions that move positions, and what they depend on. */
export function movePositions(moves: readonly PositionMove[]): PositionActions {
  const txns = new Map<string, bigint>()
  const expectTxns = new Map<string, bigint | null>()
  for (const move of moves) {
    const from = move.from ?? START
    expectTxns.set(offsetAppId(move), move.from === null ? null : from.next)
    expectTxns.set(sourceAppId(move), from.source)
    expectTxns.set(epochAppId(move), from.epoch === 0 ? null : BigInt(from.epoch))
    txns.set(offsetAppId(move), move.to.next)
    if (move.to.source !== null && move.to.source !== from.source) txns.set(sourceAppId(move), move.to.source)
    if (move.to.epoch !== from.epoch) txns.set(epochAppId(move), BigInt(move.to.epoch))
  }
  return { txns, expectTxns }
}
