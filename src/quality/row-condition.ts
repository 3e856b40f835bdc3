import type { ColumnField } from '../domain/column-batch.ts'
import { ExactNumber, type ExactJson } from '../domain/exact-json.ts'
import { Impossible } from './check.ts'
import { sqlLiteral } from './sql-literal.ts'

/**
 * Great Expectations' own conditions: `col("status") == "paid"`, `col("amount") >= 10`, `col("city").notnull()`,
 * joined by `and` or `&`. Nothing of the text reaches SQL but checked columns and literals.
 */
export function conditionSql(text: string, fieldOf: (name: string) => ColumnField): string {
  const reader = new ConditionReader(text)
  const parts: string[] = []
  do {
    const field = fieldOf(reader.column())
    const column = `r.${field.name}`
    if (reader.take('.notnull()') || reader.take('.notNull()')) parts.push(`${column} is not null`)
    else if (reader.take('.isnull()') || reader.take('.isNull()')) parts.push(`${column} is null`)
    else {
      const operator = reader.operator()
      const literal = sqlLiteral(reader.literal(), field.type)
      if (literal === null)
        throw new Impossible(`row_condition compares ${field.name} (${field.type.kind}) with another type`)
      parts.push(`${column} ${operator} ${literal}`)
    }
  } while (reader.take('and') || reader.take('&'))
  reader.expectEnd()
  return parts.join(' and ')
}

const OPERATORS: readonly (readonly [string, string])[] = [
  ['==', '='],
  ['!=', '<>'],
  ['<=', '<='],
  ['>=', '>='],
  ['<', '<'],
  ['>', '>'],
]

class ConditionReader {
  #rest: string

  constructor(text: string) {
    this.#rest = text.trim()
  }

  take(word: string): boolean {
    if (!this.#rest.startsWith(word)) return false
    this.#rest = this.#rest.slice(word.length).trimStart()
    return true
  }

  column(): string {
    const found = this.#match(/^\(?col\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)/)
    return found[1] ?? found[2] ?? ''
  }

  operator(): string {
    for (const [written, sql] of OPERATORS) if (this.take(written)) return sql
    throw this.#fault()
  }

  literal(): ExactJson {
    if (/^["']/.test(this.#rest)) {
      const found = this.#match(/^(?:"([^"\\]*)"|'([^'\\]*)')/)
      return found[1] ?? found[2] ?? ''
    }
    if (/^(true|false)\b/i.test(this.#rest)) return this.#match(/^(true|false)\b/i)[1]!.toLowerCase() === 'true'
    return new ExactNumber(this.#match(/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/)[0])
  }

  expectEnd(): void {
    if (this.#rest !== '') throw this.#fault()
  }

  #match(form: RegExp): RegExpExecArray {
    const found = form.exec(this.#rest)
    if (found === null || found[0].startsWith('(')) throw this.#fault()
    this.#rest = this.#rest.slice(found[0].length).trimStart()
    return found
  }

  #fault(): Impossible {
    return new Impossible(
      `row_condition is not understood at ${JSON.stringify(this.#rest.slice(0, 40))}; it is written col("status") == "paid" and col("city").notnull()`,
    )
  }
}
