import type { BreachCode, RuleBreach } from '../../domain/dead-letter.ts'

/** What one row broke. A rule that several elements of a list break is told once. */
export class Breaches {
  #list: RuleBreach[] = []

  get count(): number {
    return this.#list.length
  }

  add(breach: RuleBreach): void {
    if (
      !this.#list.some((each) => each.field === breach.field && each.rule === breach.rule && each.code === breach.code)
    ) {
      this.#list.push(breach)
    }
  }

  has(field: string, code: BreachCode): boolean {
    return this.#list.some((each) => each.field === field && each.code === code)
  }

  /** Forgets what came after the first `count`. */
  truncate(count: number): void {
    this.#list.length = Math.min(this.#list.length, count)
  }

  take(): RuleBreach[] {
    const taken = this.#list
    this.#list = []
    return taken
  }
}

const SHOWN = 60

/** A value for a message: quoted, cut; or nothing of it where the field is PII. */
export function quoteValue(text: string, pii: boolean): string {
  if (pii) return 'a value (hidden: PII)'
  const cut = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
  return JSON.stringify(cut)
}
