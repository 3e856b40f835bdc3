import type { SluiceError } from '../domain/errors.ts'
import type { GateOutcome } from '../domain/gate-result.ts'

/** What became of one model in a build. */
export interface ModelOutcome {
  /** `layer.table` */
  readonly model: string
  /**
   * - built: its table has a new version. unchanged: nothing to do, or nothing came of it.
   * - planned: a dry run would build it. skipped: something that it reads is missing, or was not built.
   * - staged: its result is kept and was not to be committed. blocked: its gate refused the result. failed: see `error`.
   */
  readonly outcome: 'built' | 'unchanged' | 'planned' | 'skipped' | 'staged' | 'blocked' | 'failed'
  readonly mode: 'rebuild' | 'increment' | 'nothing'
  readonly reason: string
  /** Rows of the table now, deleted keys that it keeps included; null where it has none or does not know. */
  readonly rows: number | null
  /** The table's version now; null where there is no table. */
  readonly version: number | null
  readonly error: SluiceError | null
  /** Absent where nothing was judged. */
  readonly gate?: GateNote
}

/** What its gate made of a result. */
export interface GateNote {
  readonly outcome: GateOutcome
  /** Expectations that it was held to. */
  readonly expectations: number
  /** One sentence; empty where all were kept. */
  readonly reason: string
  /** `layer.table` that was judged, where it is not the model's own. */
  readonly table?: string
}
