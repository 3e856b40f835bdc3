import { createJudge, type Judge, type JudgeOptions } from '../../contract/judge.ts'
import type { ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import type { RegisteredSchema } from '../../ports/schema-registry.ts'
import { BRONZE_SYSTEM_COLUMNS } from '../rows/system-columns.ts'

export interface LaneJudgeOptions {
  readonly schema: RegisteredSchema
  readonly table: BronzeTableSettings
  /** The table as it stands; null where there is none yet. */
  readonly snapshot: { readonly metadata: { readonly fields: readonly ColumnField[] } } | null
  /** `privacy.hash_key`. Where the contract hashes and it is null, there is no judge: HASH_KEY_MISSING. */
  readonly hashKey: string | null
  /** By default a judge is made anew. */
  readonly makeJudge?: (options: JudgeOptions) => Judge
}

/**
 * The judge of one flush. In mode evolve it knows the columns that the table has beyond the contract, and those that
 * earlier batches of the flush brought: whichever came first decides a column's type, and all batches agree on it.
 */
export class LaneJudge {
  readonly #make: (evolved: readonly ColumnField[]) => Judge
  readonly #evolved = new Map<string, ColumnField>()
  readonly #contracted: ReadonlySet<string>
  readonly #evolves: boolean
  #judge: Judge

  constructor({ schema, table, snapshot, hashKey, makeJudge = createJudge }: LaneJudgeOptions) {
    const mode = table.onUnknownField
    this.#make = (evolved) =>
      makeJudge({ schema, mode, keyColumns: table.key, recordRules: table.recordRules ?? [], evolved, hashKey })
    this.#judge = this.#make([])
    this.#contracted = new Set(this.#judge.contract.fields.map((field) => field.column.name.toLowerCase()))
    this.#evolves = mode === 'evolve'
    if (snapshot !== null) this.#learn(snapshot.metadata.fields)
  }

  get judge(): Judge {
    return this.#judge
  }

  /** Call with the rows of every judged batch before the next one is judged. */
  learn(rows: ColumnBatch): void {
    if (rows.length > 0) this.#learn(rows.fields)
  }

  #learn(fields: readonly ColumnField[]): void {
    if (!this.#evolves) return
    const known = this.#evolved.size
    for (const field of fields) {
      const name = field.name.toLowerCase()
      if (!BRONZE_SYSTEM_COLUMNS.has(field.name) && !this.#contracted.has(name) && !this.#evolved.has(name))
        this.#evolved.set(name, field)
    }
    if (this.#evolved.size > known) this.#judge = this.#make([...this.#evolved.values()])
  }
}
