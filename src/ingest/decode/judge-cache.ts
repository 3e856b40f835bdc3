import { createJudge, type Judge, type JudgeOptions } from '../../contract/judge.ts'

/** Lanes of one process, and contracts that changed a moment ago. */
const KEPT = 16

/** Judges by what they were made from. A judge holds nothing between two batches, so any number of flushes may share it. */
export class JudgeCache {
  readonly #judges = new Map<string, Judge>()

  get(options: JudgeOptions): Judge {
    const key = JSON.stringify(options)
    const known = this.#judges.get(key)
    const judge = known ?? createJudge(options)
    this.#judges.delete(key)
    this.#judges.set(key, judge)
    for (const oldest of this.#judges.keys()) {
      if (this.#judges.size <= KEPT) break
      this.#judges.delete(oldest)
    }
    return judge
  }
}
