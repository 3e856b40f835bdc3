import { ExactNumber, type ExactJson } from '../../domain/exact-json.ts'
import { Impossible } from '../check.ts'
import { sqlNumber } from '../sql-literal.ts'
import type { Asked } from './kwargs.ts'

export interface Bounds {
  readonly sql: string
  /** `>= 1 and < 5` */
  readonly expected: string
}

/** `min_value` and `max_value`, strict where asked, over an expression. */
export function boundsSql(
  asked: Asked,
  expression: string,
  literal: (value: ExactJson, kwarg: string) => string,
): Bounds {
  const parts: { readonly sql: string; readonly told: string }[] = []
  for (const [kwarg, strict, sign] of [
    ['min_value', 'strict_min', '>'],
    ['max_value', 'strict_max', '<'],
  ] as const) {
    const value = asked.value(kwarg)
    if (value === null) continue
    const operator = asked.flag(strict) ? sign : `${sign}=`
    parts.push({ sql: `${expression} ${operator} ${literal(value, kwarg)}`, told: `${operator} ${plainText(value)}` })
  }
  if (parts.length === 0) throw new Impossible('min_value or max_value is needed')
  return { sql: parts.map(({ sql }) => sql).join(' and '), expected: parts.map(({ told }) => told).join(' and ') }
}

export function countBounds(asked: Asked, expression: string): Bounds {
  return boundsSql(asked, expression, numberLiteral)
}

export function numberLiteral(value: ExactJson, kwarg: string): string {
  const literal = sqlNumber(value)
  if (literal === null) throw new Impossible(`${kwarg} is no number`)
  return literal
}

export function plainText(value: ExactJson): string {
  return value instanceof ExactNumber ? value.text : typeof value === 'string' ? value : JSON.stringify(value)
}
