import type { Check } from '../check.ts'
import { Impossible } from '../check.ts'
import { sqlText } from '../sql-literal.ts'
import { boundsSql, countBounds, numberLiteral } from './bounds.ts'
import { presentRows, type Asked } from './kwargs.ts'

/** Checks that each row alone keeps or breaks. Null is no value: only what asks for null looks at it. */

export function notNull(asked: Asked): Check {
  return rows(asked, asked.condition, `${asked.column()} is null`)
}

export function isNull(asked: Asked): Check {
  return rows(asked, asked.condition, `${asked.column()} is not null`)
}

export function inSet(asked: Asked): Check {
  const set = asked.literals('value_set', asked.field().type)
  return ofValues(asked, set.length === 0 ? 'true' : `not (${asked.column()} in (${set.join(', ')}))`)
}

export function notInSet(asked: Asked): Check {
  const set = asked.literals('value_set', asked.field().type)
  return ofValues(asked, set.length === 0 ? 'false' : `${asked.column()} in (${set.join(', ')})`)
}

export function between(asked: Asked): Check {
  const { type } = asked.field()
  const { sql } = boundsSql(asked, asked.column(), (value, kwarg) => asked.literal(value, type, kwarg))
  return ofValues(asked, `not (${sql})`)
}

export function matches(asked: Asked): Check {
  return ofValues(asked, `not (${foundSql(asked)})`)
}

export function matchesNot(asked: Asked): Check {
  return ofValues(asked, foundSql(asked))
}

export function lengthBetween(asked: Asked): Check {
  textColumn(asked)
  return ofValues(asked, `not (${countBounds(asked, `length(${asked.column()})`).sql})`)
}

export function lengthEqual(asked: Asked): Check {
  textColumn(asked)
  return ofValues(asked, `length(${asked.column()}) <> ${Number(asked.value('value'))}`)
}

export function pairGreater(asked: Asked): Check {
  return pairs(asked, `${asked.column('column_A')} ${asked.flag('or_equal') ? '>=' : '>'} ${asked.column('column_B')}`)
}

export function pairEqual(asked: Asked): Check {
  return pairs(asked, `${asked.column('column_A')} = ${asked.column('column_B')}`)
}

/** A pair of which one value is missing is neither greater nor equal. */
function pairs(asked: Asked, holds: string): Check {
  const [a, b] = [asked.field('column_A'), asked.field('column_B')]
  if (!comparable(a.type.kind, b.type.kind)) {
    throw new Impossible(`${a.name} is ${a.type.kind} and ${b.name} is ${b.type.kind}: they do not compare`)
  }
  const [one, other] = [`r.${a.name} is not null`, `r.${b.name} is not null`]
  const ignore = asked.text('ignore_row_if') ?? 'both_values_are_missing'
  const present =
    ignore === 'neither' ? null : ignore === 'either_value_is_missing' ? `${one} and ${other}` : `(${one} or ${other})`
  return rows(asked, and(asked.condition, present), `not coalesce(${holds}, false)`)
}

export function sumEqual(asked: Asked): Check {
  for (const name of asked.texts('column_list')) {
    const { kind } = asked.fieldNamed(name).type
    if (!/^(int|float|decimal)/.test(kind)) throw new Impossible(`${name} is ${kind}, and no number`)
  }
  const sum = asked.columns('column_list').map((column) => `coalesce(${column}, 0)`)
  const total = numberLiteral(asked.value('sum_total'), 'sum_total')
  return rows(asked, and(asked.condition, presentRows(asked)), `${sum.join(' + ')} <> ${total}`)
}

export function comparable(a: string, b: string): boolean {
  const family = (kind: string): string =>
    /^(u?int|float|decimal)/.test(kind) ? 'number' : kind === 'date' || kind === 'timestamp' ? 'time' : kind
  return family(a) === family(b) && !['list', 'map', 'struct'].includes(a)
}

/**
 * The pattern is found in the value. Engines name their test for that differently, but all can give the text that a
 * pattern takes; the empty text, which would tell nothing, is decided here.
 */
function foundSql(asked: Asked): string {
  textColumn(asked)
  const column = asked.column()
  const { source, findsEmpty } = asked.table.pattern(asked.text('regex') ?? '')
  const whole = sqlText(`(?s:\\A.*?(?:${source}).*\\z)`)
  return `case when ${column} = '' then ${findsEmpty} else regexp_extract(${column}, ${whole}, 0) <> '' end`
}

function textColumn(asked: Asked): void {
  const { name, type } = asked.field()
  if (type.kind !== 'string') throw new Impossible(`${name} is ${type.kind}, and no text`)
}

function ofValues(asked: Asked, offends: string): Check {
  return rows(asked, and(asked.condition, `${asked.column()} is not null`), offends)
}

function rows(asked: Asked, considered: string | null, offends: string): Check {
  return { kind: 'rows', considered, offends, mostly: asked.mostly }
}

function and(...conditions: (string | null)[]): string | null {
  const all = conditions.filter((each) => each !== null)
  return all.length === 0 ? null : all.map((each) => `(${each})`).join(' and ')
}
