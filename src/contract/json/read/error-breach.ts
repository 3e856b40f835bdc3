import type { ErrorObject } from 'ajv'
import { fieldHasPii, type Contract, type ContractField } from '../../../domain/contract.ts'
import type { BreachCode, RuleBreach } from '../../../domain/dead-letter.ts'
import { ExactNumber, isExactArray, isExactObject, type ExactJson } from '../../../domain/exact-json.ts'
import { quoteValue } from '../../rules/breaches.ts'
import { compareDecimals, divides } from '../../rules/compare-rules.ts'
import { scalarText } from '../../rules/canonical-text.ts'
import { parseDecimalText } from '../../../domain/decimal-text.ts'
import { resolvePointer } from '../schema.ts'

const CODES: Readonly<Record<string, BreachCode>> = {
  required: 'REQUIRED',
  dependentRequired: 'REQUIRED',
  type: 'TYPE',
  minimum: 'RANGE',
  maximum: 'RANGE',
  exclusiveMinimum: 'RANGE',
  exclusiveMaximum: 'RANGE',
  multipleOf: 'RANGE',
  minLength: 'LENGTH',
  maxLength: 'LENGTH',
  pattern: 'PATTERN',
  enum: 'ENUM',
  const: 'ENUM',
  not: 'NOT',
  additionalProperties: 'UNKNOWN_FIELD',
  unevaluatedProperties: 'UNKNOWN_FIELD',
}

export interface Judged {
  readonly contract: Contract
  /** The schema, with every digit of its limits. */
  readonly root: ExactJson
  readonly record: ExactJson
}

/** The validator's errors as breaches; without those that only a double's rounding made. */
export function breachesOf(errors: readonly ErrorObject[], judged: Judged): RuleBreach[] {
  return withoutBranchNoise(errors)
    .filter((error) => !holdsExactly(error, judged))
    .map((error) => breachOf(error, judged))
}

function breachOf(error: ErrorObject, { contract, record, root }: Judged): RuleBreach {
  const { keyword, instancePath } = error
  const params = error.params as Readonly<Record<string, unknown>>
  const segments = instancePath.split('/').slice(1).map(unescapePointer)
  const named = params['missingProperty'] ?? params['additionalProperty'] ?? params['unevaluatedProperty']
  if (typeof named === 'string') segments.push(named)
  const value = valueAt(record, segments)
  const path = formatPath(record, segments)
  const code = CODES[keyword] ?? 'JSON_SCHEMA'
  const rule = ruleText(error, params, root)
  const field = path === '' ? null : path
  const subject = field ?? 'The record'
  if (code === 'REQUIRED') return { code, field, rule, message: `${subject} is required and is missing.` }
  if (code === 'UNKNOWN_FIELD')
    return { code, field, rule, message: `${subject} is not a field that the contract allows.` }
  const shown =
    value === undefined || isNested(value)
      ? 'a value'
      : quoteValue(scalarText(value) ?? 'null', isHidden(contract, segments))
  return { code, field, rule, message: `${subject} is ${shown}, which breaks ${rule}.` }
}

/** The keyword and what it says, with every digit where the schema's own text can be found. */
function ruleText(
  { keyword, schemaPath }: ErrorObject,
  params: Readonly<Record<string, unknown>>,
  root: ExactJson,
): string {
  if (keyword === 'required' || keyword === 'dependentRequired') return keyword
  const said =
    params['limit'] ??
    params['pattern'] ??
    params['multipleOf'] ??
    params['format'] ??
    params['type'] ??
    params['allowedValues'] ??
    params['allowedValue']
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') return `${keyword} false`
  if (said === undefined) return keyword
  const exact = resolvePointer(root, schemaPath)
  const text = exact instanceof ExactNumber ? exact.text : typeof said === 'string' ? said : JSON.stringify(said)
  return text.length > 200 ? keyword : `${keyword} ${text}`
}

/**
 * Of a union's branches, the errors that matter are those of the one branch whose type fits (`anyOf` of null and a
 * string with a pattern: the pattern's). Where none or several fit, the union's own error stands for all.
 */
function withoutBranchNoise(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = [...errors]
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')) {
    const inside = kept.filter((each) => each.schemaPath.startsWith(`${union.schemaPath}/`))
    if (inside.length === 0) continue
    const branchOf = (each: ErrorObject): string => each.schemaPath.slice(union.schemaPath.length + 1).split('/')[0]!
    const misfits = new Set(
      inside.filter((each) => each.keyword === 'type' && each.instancePath === union.instancePath).map(branchOf),
    )
    const fitting = new Set(inside.map(branchOf).filter((branch) => !misfits.has(branch)))
    kept =
      fitting.size === 1
        ? kept.filter((each) => each !== union && (!inside.includes(each) || fitting.has(branchOf(each))))
        : kept.filter((each) => !inside.includes(each))
  }
  return kept
}

/** True where a numeric rule that a double breaks is held by the number as it was written. */
function holdsExactly({ keyword, instancePath, schemaPath }: ErrorObject, { record, root }: Judged): boolean {
  if (CODES[keyword] !== 'RANGE') return false
  const value = valueAt(record, instancePath.split('/').slice(1).map(unescapePointer))
  const limit = resolvePointer(root, schemaPath)
  const [a, b] = [numberText(value), numberText(limit)]
  if (a === null || b === null) return false
  if (keyword === 'multipleOf') return divides(b, a)
  const order = compareDecimals(parseDecimalText(a)!, parseDecimalText(b)!)
  switch (keyword) {
    case 'minimum':
      return order >= 0
    case 'maximum':
      return order <= 0
    case 'exclusiveMinimum':
      return order > 0
    default:
      return order < 0
  }
}

function numberText(value: ExactJson | undefined): string | null {
  const text = value instanceof ExactNumber ? value.text : typeof value === 'number' ? String(value) : null
  return text === null || parseDecimalText(text) === null ? null : text
}

function valueAt(record: ExactJson, segments: readonly string[]): ExactJson | undefined {
  let at: ExactJson | undefined = record
  for (const segment of segments) {
    if (isExactArray(at)) at = at[Number(segment)]
    else if (isExactObject(at)) at = Object.hasOwn(at, segment) ? at[segment] : undefined
    else return undefined
  }
  return at
}

/** `lines[].sku`: one path for all elements, so that a rule is told once a field. */
function formatPath(record: ExactJson, segments: readonly string[]): string {
  let path = ''
  let at: ExactJson | undefined = record
  for (const segment of segments) {
    if (isExactArray(at)) path += '[]'
    else path += path === '' ? segment : `.${segment}`
    at = valueAt(at ?? null, [segment])
  }
  return path
}

/** What the contract does not know may hold what it hides, wherever it hides anything. */
function isHidden(contract: Contract, segments: readonly string[]): boolean {
  if (!contract.fields.some(fieldHasPii)) return false
  let fields: readonly ContractField[] = contract.fields
  let found: ContractField | undefined
  for (const segment of segments) {
    found = fields.find((field) => field.column.name === segment) ?? fields.find((field) => field.column.name === '[]')
    if (found === undefined || found.pii !== null || found.onIngest !== null) return true
    fields = found.children ?? []
  }
  return found === undefined || fieldHasPii(found)
}

function isNested(value: ExactJson): boolean {
  return isExactArray(value) || isExactObject(value)
}

function unescapePointer(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}
