import type { JsonValue } from '../../domain/dead-letter.ts'
import type { LeafKind, ValueProfile } from './value-profile.ts'

/** The Avro type that holds every value of a profile. Pure. */
export interface DraftType {
  readonly type: JsonValue
  /** What a reader of the draft should know; null where nothing. */
  readonly note: string | null
}

/** Digits before the point that a decimal may take beyond those seen. */
const HEADROOM_DIGITS = 4
const MAX_DECIMAL_DIGITS = 38
/** More decimals than this are measured, not counted: a double. */
const MAX_DECIMAL_SCALE = 8

export function draftType(profile: ValueProfile, name: string): DraftType {
  if (profile.objects > 0 || profile.lists > 0) return nestedType(profile, name)
  const kinds = [...profile.kinds.keys()]
  const only = (...allowed: readonly LeafKind[]): boolean =>
    kinds.length > 0 && kinds.every((kind) => allowed.includes(kind))
  if (only('boolean')) return plain('boolean')
  if (isNumeric(profile, only)) return numberType(profile, kinds)
  if (only('date')) return plain({ type: 'int', logicalType: 'date' })
  if (only('timestamp')) return plain({ type: 'long', logicalType: 'timestamp-micros' })
  if (only('local', 'date')) return plain({ type: 'long', logicalType: 'local-timestamp-micros' })
  return { type: 'string', note: outliers(profile) }
}

function isNumeric(profile: ValueProfile, only: (...allowed: readonly LeafKind[]) => boolean): boolean {
  if (only('integer', 'decimal', 'exponent')) return true
  const texts = profile.kinds.get('text') ?? 0
  const numbers = (profile.kinds.get('integer') ?? 0) + (profile.kinds.get('decimal') ?? 0)
  return only('integer', 'decimal', 'exponent', 'text') && numbers > 0 && texts === profile.numericTexts
}

function numberType(profile: ValueProfile, kinds: readonly LeafKind[]): DraftType {
  if (profile.leadingZeros) return { type: 'string', note: 'digits with leading zeros: a code, not a number' }
  if (kinds.includes('exponent') || profile.maxScale > MAX_DECIMAL_SCALE) return plain('double')
  if (kinds.length === 1 && kinds[0] === 'integer') {
    if (profile.fitsInt64) return plain('long')
    if (profile.maxIntegerDigits > MAX_DECIMAL_DIGITS) return { type: 'string', note: 'longer than any number type' }
    return plain(decimal(profile.maxIntegerDigits, 0))
  }
  const scale = Math.max(2, profile.maxScale)
  if (profile.maxIntegerDigits + scale > MAX_DECIMAL_DIGITS) return plain('double')
  return plain(decimal(profile.maxIntegerDigits, scale))
}

function decimal(integerDigits: number, scale: number): JsonValue {
  const precision = Math.min(MAX_DECIMAL_DIGITS, Math.max(8, integerDigits + HEADROOM_DIGITS) + scale)
  return { type: 'bytes', logicalType: 'decimal', precision, scale }
}

function nestedType(profile: ValueProfile, name: string): DraftType {
  const mixed = profile.kinds.size > 0 || (profile.objects > 0 && profile.lists > 0)
  if (mixed) return { type: 'string', note: 'nested in some rows and not in others: those that are will be refused' }
  const items = profile.items
  if (items === null || items.values === 0) {
    return plain(
      profile.lists > 0 ? { type: 'array', items: ['null', 'string'] } : { type: 'map', values: ['null', 'string'] },
    )
  }
  if (profile.lists > 0) return plain({ type: 'array', items: nullableType(items, `${name}_item`) })
  if (profile.isWide || profile.fields.size === 0)
    return plain({ type: 'map', values: nullableType(items, `${name}_value`) })
  return plain({
    type: 'record',
    name: `${name}_record`,
    fields: [...profile.fields].map(([key, field]) => ({
      name: key,
      type: ['null', draftType(field, `${name}_${key}`).type],
      default: null,
    })),
  })
}

function nullableType(profile: ValueProfile, name: string): JsonValue {
  return ['null', draftType(profile, name).type]
}

/** A column that is nearly all of one kind: a few values keep it a text. */
function outliers(profile: ValueProfile): string | null {
  const [most] = [...profile.kinds].toSorted((a, b) => b[1] - a[1])
  if (most === undefined || most[0] === 'text' || most[1] === profile.present) return null
  const others = profile.present - most[1]
  return others * 20 <= profile.present ? `all but ${others} of ${profile.present} values are ${NAMES[most[0]]}` : null
}

const NAMES: Readonly<Record<LeafKind, string>> = {
  boolean: 'true or false',
  integer: 'whole numbers',
  decimal: 'decimals',
  exponent: 'numbers',
  date: 'dates',
  timestamp: 'times',
  local: 'times',
  text: 'texts',
}

function plain(type: JsonValue): DraftType {
  return { type, note: null }
}
