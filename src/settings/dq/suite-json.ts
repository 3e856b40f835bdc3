import { SluiceError } from '../../domain/errors.ts'
import { isExactArray, isExactObject, parseExactJson, showExact, type ExactJson } from '../../domain/exact-json.ts'
import { EXPECTATIONS } from '../../domain/expectation-declarations.ts'
import type { Expectation, Suite } from '../../domain/expectation.ts'
import { checkExpectation } from './check-expectation.ts'

/**
 * Suites in Great Expectations' JSON (1.24): `{name, expectations: [{type, kwargs, meta, severity}], meta}`. What that
 * does not have, our own expectations and kwargs, stands in the suite's `meta.sluice`, which Great Expectations keeps
 * and does not read.
 */

export type ImportedExpectation = Pick<Expectation, 'type' | 'kwargs' | 'severity'>

export interface ImportedSuite {
  readonly name: string | null
  readonly expectations: readonly ImportedExpectation[]
  /** What cannot be taken, and why. */
  readonly refused: readonly { readonly type: string; readonly reason: string }[]
}

const VERSION = '1.24.0'
/** Of a run of Great Expectations, not of the expectation. */
const NOT_OURS = new Set(['batch_id', 'windows', 'result_format', 'catch_exceptions'])

/** Throws SETTINGS_INVALID where the text is no suite. */
export function importSuite(text: string, file: string): ImportedSuite {
  const suite = parseObject(text, file)
  const listed = suite['expectations']
  if (!isExactArray(listed)) throw noSuite(file, 'it has no list of expectations')
  const meta = isExactObject(suite['meta']) ? suite['meta']['sluice'] : undefined
  const own = isExactObject(meta) && isExactArray(meta['expectations']) ? meta['expectations'] : []
  const expectations: ImportedExpectation[] = []
  const refused: { type: string; reason: string }[] = []
  for (const each of [...listed, ...own]) {
    const taken = importExpectation(each)
    if ('reason' in taken) refused.push(taken)
    else expectations.push(taken)
  }
  return { name: typeof suite['name'] === 'string' ? suite['name'] : null, expectations, refused }
}

function importExpectation(json: ExactJson): ImportedExpectation | { readonly type: string; readonly reason: string } {
  const type = isExactObject(json) ? (json['type'] ?? json['expectation_type']) : null
  if (!isExactObject(json) || typeof type !== 'string') return { type: '?', reason: 'it is no object with a type' }
  const kwargs: Record<string, ExactJson> = {}
  for (const [name, value] of Object.entries(isExactObject(json['kwargs']) ? json['kwargs'] : {})) {
    if (value === null || NOT_OURS.has(name)) continue
    const condition = name === 'row_condition' && isExactObject(value) ? conditionText(value) : value
    if (condition === null) return { type, reason: 'its row_condition is more than comparisons joined by and' }
    kwargs[name] = condition
  }
  const misfit = checkExpectation(type, kwargs)
  if (misfit !== null) return { type, reason: misfit.message }
  const severity = json['severity']
  // without one, Great Expectations means critical
  return { type, kwargs, severity: severity === 'warning' || severity === 'info' ? 'warn' : 'critical' }
}

/** A condition as its tree, as the text that it stands for. */
function conditionText(condition: { readonly [key: string]: ExactJson }): string | null {
  const { type, conditions, column, operator, parameter, is_null: isNull } = condition
  if (type === 'and' && isExactArray(conditions)) {
    const parts = conditions.map((each) => (isExactObject(each) ? conditionText(each) : null))
    return parts.includes(null) ? null : parts.join(' and ')
  }
  const name = isExactObject(column) ? column['name'] : null
  if (typeof name !== 'string') return null
  const place = `col(${JSON.stringify(name)})`
  if (type === 'nullity') return `${place}.${isNull === true ? 'isnull' : 'notnull'}()`
  if (type !== 'comparison' || typeof operator !== 'string') return null
  const simple = typeof parameter === 'number' || typeof parameter === 'string' || typeof parameter === 'boolean'
  return simple && /^(==|!=|<|<=|>|>=)$/.test(operator) ? `${place} ${operator} ${JSON.stringify(parameter)}` : null
}

/** The suite as Great Expectations loads it. */
export function exportSuite({ table, expectations }: Suite): object {
  const theirs = expectations.filter((each) => isTheirs(each))
  const own = expectations.filter((each) => !isTheirs(each))
  return {
    name: table,
    expectations: theirs.map(({ type, kwargs, severity }) => ({
      type,
      kwargs: {
        ...show(kwargs),
        ...(kwargs['row_condition'] === undefined ? {} : { condition_parser: 'great_expectations' }),
      },
      meta: {},
      severity: severity === 'warn' ? 'warning' : 'critical',
    })),
    meta: {
      great_expectations_version: VERSION,
      ...(own.length === 0
        ? {}
        : {
            sluice: {
              expectations: own.map(({ type, kwargs, severity }) => ({
                type,
                kwargs: show(kwargs),
                severity: severity === 'warn' ? 'warning' : 'critical',
              })),
            },
          }),
    },
    notes: null,
  }
}

function isTheirs({ type, kwargs }: Expectation): boolean {
  const declared = EXPECTATIONS[type]
  return declared?.ours !== true && !(declared?.ourKwargs ?? []).some((name) => name in kwargs)
}

function show(kwargs: Expectation['kwargs']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, showExact(value)]))
}

function parseObject(text: string, file: string): { readonly [key: string]: ExactJson } {
  let value: ExactJson
  try {
    value = parseExactJson(text).value
  } catch (cause) {
    throw noSuite(file, 'it is no JSON', cause)
  }
  if (!isExactObject(value)) throw noSuite(file, 'it is no JSON object')
  return value
}

function noSuite(file: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SETTINGS_INVALID', `${file} is no suite of Great Expectations: ${why}`, {
    where: { file },
    cause,
  })
}
