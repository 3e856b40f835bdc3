import type { ContractField, FieldRules } from '../domain/contract.ts'
import { SluiceError } from '../domain/errors.ts'
import type { ExactJson } from '../domain/exact-json.ts'
import { columnsOf, labelOf, type Expectation } from '../domain/expectation.ts'
import { suggestion } from '../domain/nearest-word.ts'
import { parseRules } from './rules/parse-rules.ts'

/** One expectation of a bronze suite as rules of a field. */
export interface SuiteRule {
  readonly field: ContractField
  readonly rules: FieldRules
}

/**
 * Expectations that each record alone keeps or breaks (`isRecordRule`), in the contract's own words, so that a record
 * that breaks one is refused like any other. Throws SETTINGS_INVALID with the expectation's file and line where it
 * does not fit the contract.
 */
export function suiteRules(expectations: readonly Expectation[], fields: readonly ContractField[]): SuiteRule[] {
  return expectations.map((expectation) => {
    const [name = ''] = columnsOf(expectation)
    const field = fields.find((each) => each.column.name === name)
    if (field === undefined) {
      const near = suggestion(
        name,
        fields.map((each) => each.column.name),
      )
      throw misfit(expectation, `the contract has no field ${name}${near}`)
    }
    try {
      const words = wordsOf(expectation)
      return { field, rules: parseRules(words, field.column.type, { subject: 'dq', path: field.column.name }) }
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'CONTRACT_INVALID')
        throw misfit(expectation, error.message, error)
      throw error
    }
  })
}

function wordsOf({ type, kwargs }: Expectation): { readonly [word: string]: ExactJson } {
  const { value = null, value_set: set = null, regex = null } = kwargs
  switch (type) {
    case 'expect_column_values_to_match_regex':
      return { pattern: regex }
    case 'expect_column_values_to_be_between':
      return {
        ...bound(kwargs, 'min_value', kwargs['strict_min'] === true ? 'exclusiveMinimum' : 'minimum'),
        ...bound(kwargs, 'max_value', kwargs['strict_max'] === true ? 'exclusiveMaximum' : 'maximum'),
      }
    case 'expect_column_values_to_be_in_set':
      return { enum: set }
    case 'expect_column_values_to_not_be_in_set':
      return { not: { enum: set } }
    case 'expect_column_value_lengths_to_equal':
      return { minLength: value, maxLength: value }
    case 'expect_column_value_lengths_to_be_between':
      return { ...length(kwargs, 'min_value', 'minLength', 1), ...length(kwargs, 'max_value', 'maxLength', -1) }
    default:
      return { required: true }
  }
}

type Kwargs = Expectation['kwargs']

function bound(kwargs: Kwargs, name: string, word: string): { readonly [word: string]: ExactJson } {
  const value = kwargs[name] ?? null
  return value === null ? {} : { [word]: value }
}

/** Lengths are whole, so a strict bound is the next one. */
function length(kwargs: Kwargs, name: string, word: string, step: 1 | -1): { readonly [word: string]: ExactJson } {
  const value = kwargs[name] ?? null
  if (typeof value !== 'number') return {}
  return { [word]: kwargs[step === 1 ? 'strict_min' : 'strict_max'] === true ? value + step : value }
}

function misfit(expectation: Expectation, why: string, cause?: unknown): SluiceError {
  return new SluiceError('SETTINGS_INVALID', `${labelOf(expectation)}: ${why}`, {
    where: { ...expectation.at, key: expectation.type },
    cause,
  })
}
