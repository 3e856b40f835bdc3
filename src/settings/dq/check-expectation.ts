import { parseDuration, DURATION_FORM } from '../../domain/duration.ts'
import { ExactNumber, isExactArray, type ExactJson } from '../../domain/exact-json.ts'
import { EXPECTATIONS, type KwargType } from '../../domain/expectation-declarations.ts'
import { checkColumnName, isLayer, parseTableName } from '../../domain/identifier.ts'
import { nearestWord, suggestion } from '../../domain/nearest-word.ts'

export interface Misfit {
  readonly message: string
  /** The kwarg at fault; null for the expectation itself. */
  readonly kwarg: string | null
}

/** What keeps this from being an expectation of this build, or null. Pure. */
export function checkExpectation(type: string, kwargs: Readonly<Record<string, ExactJson>>): Misfit | null {
  const declared = Object.hasOwn(EXPECTATIONS, type) ? EXPECTATIONS[type] : undefined
  if (declared === undefined) {
    const near = nearestWord(type, Object.keys(EXPECTATIONS))
    return { message: `${type} is no expectation${near === null ? '' : `; did you mean ${near}?`}`, kwarg: null }
  }
  const known = { ...declared.required, ...declared.optional }
  for (const [name, value] of Object.entries(kwargs)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined
    if (kind === undefined) {
      return { message: `${type} has no kwarg ${name}${suggestion(name, Object.keys(known))}`, kwarg: name }
    }
    if (value === null && name in declared.optional) continue
    const problem = FORMS[kind](value)
    if (problem !== null) return { message: `${name} of ${type} ${problem}`, kwarg: name }
  }
  for (const name of Object.keys(declared.required)) {
    if ((kwargs[name] ?? null) === null) return { message: `${type} needs ${name}`, kwarg: null }
  }
  if (declared.oneOf?.every((name) => (kwargs[name] ?? null) === null) === true) {
    return { message: `${type} needs ${declared.oneOf.join(' or ')}`, kwarg: null }
  }
  return null
}

const FORMS: Readonly<Record<KwargType, (value: ExactJson) => string | null>> = {
  column: (value) => (isColumn(value) ? null : 'is the name of a column'),
  columns: (value) =>
    isExactArray(value) && value.length > 0 && value.every(isColumn) ? null : 'is a list of column names',
  bound: (value) => (isNumber(value) || isTime(value) ? null : 'is a number, or a date or time in ISO 8601'),
  number: (value) => (isNumber(value) ? null : 'is a number'),
  count: (value) => (Number.isSafeInteger(value) && Number(value) >= 0 ? null : 'is a whole number from 0'),
  fraction: (value) =>
    typeof value === 'number' && value > 0 && value <= 1 ? null : 'is a number above 0 and at most 1',
  flag: (value) => (typeof value === 'boolean' ? null : 'is true or false'),
  values: (value) =>
    isExactArray(value) && value.length > 0 && value.every(isScalar) ? null : 'is a list of values, at least one',
  names: (value) =>
    isExactArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each !== '')
      ? null
      : 'is a list of column names',
  pattern: (value) => (typeof value === 'string' && value !== '' ? null : 'is a regular expression'),
  types: (value) =>
    isExactArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each !== '')
      ? null
      : 'is a list of names of types',
  type: (value) => (typeof value === 'string' && value !== '' ? null : 'is the name of a type'),
  table: (value) => (isTable(value) ? null : 'is a table such as bronze.orders, silver.customers or gold.dim_customer'),
  duration: (value) => (typeof value === 'string' && parseDuration(value) !== null ? null : `is ${DURATION_FORM}`),
  condition: (value) =>
    typeof value === 'string' && value !== '' ? null : 'is a text such as col("status") == "paid"',
  condition_parser: (value) =>
    value === 'great_expectations' || value === 'great_expectations__experimental__'
      ? null
      : 'is great_expectations: conditions of pandas and Spark are not taken',
  ignored_pairs: choice(['both_values_are_missing', 'either_value_is_missing', 'neither']),
  ignored_rows: choice(['all_values_are_missing', 'any_value_is_missing', 'never']),
}

function choice(values: readonly string[]): (value: ExactJson) => string | null {
  return (value) => (typeof value === 'string' && values.includes(value) ? null : `is one of ${values.join(', ')}`)
}

function isColumn(value: ExactJson): boolean {
  if (typeof value !== 'string') return false
  try {
    return checkColumnName(value) === value
  } catch {
    return false
  }
}

function isTable(value: ExactJson): boolean {
  if (typeof value !== 'string' || !isLayer(value.split('.')[0])) return false
  try {
    return parseTableName(value) !== null
  } catch {
    return false
  }
}

function isScalar(value: ExactJson): boolean {
  return value === null || isNumber(value) || typeof value === 'string' || typeof value === 'boolean'
}

function isNumber(value: ExactJson): boolean {
  return value instanceof ExactNumber || (typeof value === 'number' && Number.isFinite(value))
}

function isTime(value: ExactJson): boolean {
  return (
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}|$)/.test(value) && !Number.isNaN(Date.parse(value))
  )
}
