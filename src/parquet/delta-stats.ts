import type { ColumnType } from '../domain/column-batch.ts'
import type { ColumnStats } from '../domain/column-stats.ts'
import type { JsonValue } from '../domain/dead-letter.ts'
import { raiseCodePoint } from './encode/values/column-bounds.ts'
import type { Bound } from './encode/values/column-bounds.ts'
import type { LeafTotals } from './encode/leaf-writer.ts'
import type { ParquetLeaf } from './encode/parquet-schema.ts'

/** What was counted of one leaf of the file. */
export interface CountedLeaf {
  readonly leaf: ParquetLeaf
  readonly totals: LeafTotals
}

/**
 * Statistics in the form of Delta's `add.stats` (PROTOCOL.md, "Per-file Statistics"): of each column and of each field
 * inside structs; lists and maps are counted as a whole. Bounds are never narrower than the data. Every type that has an
 * order gets some: deltalake's filters (delta-io/delta-rs#3173) hide rows of a column without.
 */
export function deltaStats(leaves: readonly CountedLeaf[]): ColumnStats[] {
  const stats: ColumnStats[] = []
  let before: readonly string[] = []
  for (const { leaf, totals } of leaves) {
    const path = statedPath(leaf)
    // The leaves of one list or map follow each other; the first has counted it.
    if (path.length === before.length && path.every((name, i) => name === before[i])) continue
    before = path
    const isScalar = leaf.steps.every(({ into }) => into === 'child')
    const bounds = isScalar ? statedBounds(leaf.type, totals) : {}
    const [column, ...inside] = path
    stats.push({ column: column!, ...(inside.length === 0 ? {} : { inside }), nulls: totals.rowNulls, ...bounds })
  }
  return stats
}

/** From the top-level column through structs to the leaf, or to the outermost list or map that holds it. */
function statedPath({ path, steps }: ParquetLeaf): readonly string[] {
  const repeated = steps.findIndex(({ into }) => into !== 'child')
  return repeated < 0 ? path : path.slice(0, repeated + 1)
}

function statedBounds(
  type: ColumnType,
  { bounds, nan }: LeafTotals,
): { readonly min?: JsonValue; readonly max?: JsonValue } {
  // Engines order NaN above all numbers, so with NaN among the values there is no greatest one to state.
  if (bounds === null || nan) return {}
  const min = statedBound(type, bounds.min, 'min')
  const max = statedBound(type, bounds.max, 'max')
  return { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) }
}

const STATED_CODE_POINTS = 32
const MS_PER_DAY = 86_400_000
/** Years of four digits, the only ones that every engine's parser takes. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z')
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')

export type Side = 'min' | 'max'

function statedBound(type: ColumnType, bound: Bound, side: Side): JsonValue {
  switch (type.kind) {
    case 'int32':
    case 'float32':
    case 'float64':
      return Number.isFinite(bound) ? zeroOf(bound as number) : null
    case 'boolean':
      return bound === 1
    case 'int64':
      return exactNumber((bound as bigint).toString())
    case 'decimal':
      return exactNumber(decimalText(BigInt(bound as number | bigint), type.scale))
    case 'date': {
      const ms = (bound as number) * MS_PER_DAY
      return ms >= FIRST_MS && ms <= LAST_MS ? new Date(ms).toISOString().slice(0, 10) : null
    }
    case 'timestamp': {
      const ms = millisOf(bound as bigint, side)
      return ms >= FIRST_MS && ms <= LAST_MS ? new Date(ms).toISOString() : null
    }
    case 'string':
      return statedText(bound as Uint8Array, side)
    default:
      return null
  }
}

/** Delta states milliseconds: the least is floored, the greatest rounded up. */
function millisOf(micros: bigint, side: Side): number {
  const floor = BigInt.asIntN(64, micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n
  return Number(side === 'max' && floor * 1000n < micros ? floor + 1n : floor)
}

function statedText(bytes: Uint8Array, side: Side): string | null {
  try {
    return boundingText(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), side)
  } catch {
    return null
  }
}

/** Long texts are cut: the least to a prefix, the greatest to the next one; null where there is none. */
export function boundingText(text: string, side: Side): string | null {
  const points = Array.from(text)
  if (points.length <= STATED_CODE_POINTS) return text
  const prefix = points.slice(0, STATED_CODE_POINTS).join('')
  return side === 'min' ? prefix : raiseCodePoint(prefix)
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = scale === 0 ? '' : digits.slice(-scale).replace(/0+$/, '')
  return `${unscaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** Of plain digits without zeros at their end: the number whose JSON text is the same, if there is one; else the digits. */
export function exactNumber(text: string): number | string {
  const number = Number(text)
  return String(number) === text ? number : text
}

function zeroOf(value: number): number {
  return value === 0 ? 0 : value
}
