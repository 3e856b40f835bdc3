import type { FieldRules } from '../../domain/contract.ts'
import type { ColumnBuilder } from '../columns/builder.ts'
import { BytesBuilder } from '../columns/bytes-builder.ts'
import { Decimal128Builder, FloatBuilder, Int32Builder, Int64Builder } from '../columns/scalar-builders.ts'
import { countCodePoints } from '../columns/text-bytes.ts'
import { compilePattern } from './pattern.ts'
import { BOUNDS, compileScalarRules, integerBound, type Bound, type IntegerType } from './scalar-rules.ts'

/** Judges a value by its bytes, which are valid UTF-8. */
export type TextTest = (bytes: Uint8Array, start: number, end: number) => boolean

/**
 * All rules on a scalar column, in the forms in which a fast reader can hold a value to them as it reads it. They say
 * only whether a value passes: which rule it broke, and in which words, is told by `check-rules`.
 */
export interface ColumnRules {
  readonly required: boolean
  /** Inclusive, in the column's own unit; of integers, dates, timestamps and decimals. */
  readonly low: bigint | null
  readonly high: bigint | null
  /** Of floats. */
  readonly bounds: readonly { readonly word: Bound; readonly limit: number }[]
  /** Null where there is none. */
  readonly text: TextTest | null
  /** What is left, on a value that stands in the column. */
  readonly others: readonly ((index: number) => boolean)[]
}

/** `sets`: the contract's rules of the field, and those that suites add. */
export function compileColumnRules(sets: readonly FieldRules[], builder: ColumnBuilder): ColumnRules {
  const required = sets.some((rules) => rules.required === true)
  const none = { required, low: null, high: null, bounds: [], text: null, others: [] }
  if (builder instanceof BytesBuilder) return { ...none, text: allOf(sets.flatMap(textTests)) }
  const others = sets.flatMap((rules) => compileScalarRules({ rules: withoutBounds(rules) }, builder))
  const rest = { ...none, others: others.map(({ holds }) => holds) }
  if (builder instanceof Int32Builder || builder instanceof Int64Builder || builder instanceof Decimal128Builder) {
    return { ...rest, ...interval(sets, builder.type) }
  }
  if (builder instanceof FloatBuilder) {
    const bounds = sets.flatMap((rules) =>
      BOUNDS.flatMap((word) => (rules[word] === undefined ? [] : [{ word, limit: Number(rules[word]) }])),
    )
    return { ...rest, bounds }
  }
  return rest
}

function interval(
  sets: readonly FieldRules[],
  type: IntegerType,
): { readonly low: bigint | null; readonly high: bigint | null } {
  const most = type.kind === 'decimal' ? 10n ** BigInt(type.precision) - 1n : null
  let low = most === null ? null : -most
  let high = most
  for (const rules of sets) {
    for (const word of BOUNDS) {
      const text = rules[word]
      if (text === undefined) continue
      const limit = integerBound(word, text, type)
      if (word === 'minimum' || word === 'exclusiveMinimum') low = low === null || limit > low ? limit : low
      else high = high === null || limit < high ? limit : high
    }
  }
  return { low, high }
}

function withoutBounds(rules: FieldRules): FieldRules {
  return Object.fromEntries(Object.entries(rules).filter(([word]) => !BOUNDS.some((bound) => bound === word)))
}

function textTests({ minLength, maxLength, pattern, enum: allowed, not: forbidden }: FieldRules): TextTest[] {
  const tests: TextTest[] = []
  if (minLength !== undefined || maxLength !== undefined) {
    tests.push(lengthTest(minLength ?? 0, maxLength ?? Number.POSITIVE_INFINITY))
  }
  if (pattern !== undefined) tests.push(compilePattern(pattern, { subject: '', path: '' }).testBytes)
  if (allowed !== undefined) tests.push(listTest(allowed, true))
  if (forbidden !== undefined) tests.push(listTest(forbidden, false))
  return tests
}

/** A code point has one to four bytes, so most lengths are judged without counting. */
function lengthTest(min: number, max: number): TextTest {
  return (bytes, start, end) => {
    const size = end - start
    if (size <= max && size >= min * 4) return true
    if (size < min) return false
    const count = countCodePoints(bytes, start, end)
    return count >= min && count <= max
  }
}

function listTest(texts: readonly string[], wanted: boolean): TextTest {
  const set = new Set(texts)
  return (bytes, start, end) => set.has(textOf(bytes, start, end)) === wanted
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}

function allOf(tests: readonly TextTest[]): TextTest | null {
  if (tests.length < 2) return tests[0] ?? null
  return (bytes, start, end) => tests.every((test) => test(bytes, start, end))
}
