import type { SluiceError } from '../domain/errors.ts'

/** What became of one model in a build. */
export interface ModelOutcome {
  /** `layer.table` */
  readonly model: string
  /**
   * - built: its table has a new version. unchanged: nothing to do, or nothing came of it.
   * - planned: a dry run would build it. skipped: something that it reads is missing, or was not built.
   * - blocked: its gate refused the result. failed: see `error`.
   */
  readonly outcome: 'built' | 'unchanged' | 'planned' | 'skipped' | 'blocked' | 'failed'
  readonly mode: 'rebuild' | 'increment' | 'nothing'
  readonly reason: string
  /** Rows of the table now, deleted keys that it keeps included; null where it has none or does not know. */
  readonly rows: number | null
  /** The table's version now; null where there is no table. */
  readonly version: number | null
  readonly error: SluiceError | null
}
