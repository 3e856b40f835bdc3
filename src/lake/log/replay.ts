import type { Action, AddAction, MetadataAction, ProtocolAction, RemoveAction, TxnAction } from './action.ts'
import { LayeredMap } from '../../domain/layered-map.ts'
import { logicalKey } from './file-key.ts'

/** Fewer removes than these are never looked through for what has expired. */
const LEAST_LOOK = 256

/**
 * The state that actions leave (PROTOCOL, "Action Reconciliation"). Entries must be applied in the order of versions.
 * A state made of another costs what changed lately, not what the table holds: a lane makes one at each commit.
 */
export class LogState {
  protocol: ProtocolAction | null = null
  metaData: MetadataAction | null = null
  /** By `logicalKey`. */
  readonly files: LayeredMap<string, AddAction>
  /** Removes whose files may still be there, by `logicalKey`. */
  readonly tombstones: LayeredMap<string, RemoveAction>
  readonly txns: LayeredMap<string, TxnAction>
  /** How many removes there must be before they are looked through again: so that each commit pays a constant. */
  #lookAt: number

  constructor(from?: LogState) {
    this.protocol = from?.protocol ?? null
    this.metaData = from?.metaData ?? null
    this.files = new LayeredMap(from?.files)
    this.tombstones = new LayeredMap(from?.tombstones)
    this.txns = new LayeredMap(from?.txns)
    this.#lookAt = from === undefined ? LEAST_LOOK : from.#lookAt
  }

  /**
   * Forgets removes that have expired, as a checkpoint does, once they are many: a process that stays on for months
   * would hold every file that its table ever had (I12). Non-guarantee: some that have expired stay.
   */
  forgetRemovesBefore(expiredMs: number): void {
    if (this.tombstones.size < this.#lookAt) return
    const expired = Array.from(this.tombstones).filter(([, remove]) => (remove.deletionTimestampMs ?? 0) < expiredMs)
    for (const [key] of expired) this.tombstones.delete(key)
    this.#lookAt = Math.max(LEAST_LOOK, this.tombstones.size * 2)
  }

  /** One entry, or one part of a checkpoint. Within an entry order has no meaning: removes go first. */
  apply(actions: Iterable<Action>): void {
    const adds: AddAction[] = []
    for (const action of actions) {
      switch (action.kind) {
        case 'add':
          adds.push(action.add)
          break
        case 'remove':
          this.#remove(action.remove)
          break
        case 'metaData':
          this.metaData = action.metaData
          break
        case 'protocol':
          this.protocol = action.protocol
          break
        case 'txn':
          this.txns.set(action.txn.appId, action.txn)
          break
        case 'commitInfo':
        case 'sidecar':
        case 'other':
          break
      }
    }
    for (const add of adds) {
      const key = logicalKey(add)
      this.files.set(key, add)
      this.tombstones.delete(key)
    }
  }

  #remove(remove: RemoveAction): void {
    const key = logicalKey(remove)
    this.files.delete(key)
    this.tombstones.set(key, remove)
  }
}
