/**
 * Who has which table, among the jobs of one process. Upkeep is of low priority: it takes a table only while no other
 * job has it or waits for it, one table at a time; a job whose table it has waits for that table alone. Jobs of other
 * processes meet in commits, where upkeep gives way.
 */
export class TableTurns {
  #claimed: ReadonlySet<string> = new Set()
  readonly #kept = new Set<string>()

  /** Tables of jobs that run or are due. Asked again each time, so what ended gives its tables back. */
  claim(tables: ReadonlySet<string>): void {
    this.#claimed = tables
  }

  /** Tables that upkeep has now. */
  kept(): ReadonlySet<string> {
    return this.#kept
  }

  /** Null while the table is not free; else what gives it back. */
  take(table: string): (() => void) | null {
    if (this.#claimed.has(table) || this.#kept.has(table)) return null
    this.#kept.add(table)
    return () => void this.#kept.delete(table)
  }
}
