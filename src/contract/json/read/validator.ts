import { createRequire } from 'node:module'
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv'
import type * as Draft07 from 'ajv'
import type * as Draft2020 from 'ajv/dist/2020.js'
import { invalidContract } from '../../invalid.ts'
import { compilePattern } from '../../rules/pattern.ts'
import type { JsonSchema } from '../schema.ts'

/** Formats that are asserted. Those that name a column type (date-time, date, decimal, …) are judged by the cast. */
const ASSERTED = ['email', 'uuid', 'uri', 'hostname', 'ipv4', 'ipv6', 'time', 'duration'] as const

/** Its eighty modules are loaded with the first contract in JSON Schema: most lanes, and their threads, need none of them. */
const load = createRequire(import.meta.url)

type RegExpEngine = NonNullable<NonNullable<ConstructorParameters<typeof Ajv>[0]>['code']>['regExp'] & object

/** Every rule that a value breaks, or none. */
export type JsonValidator = (value: unknown) => readonly ErrorObject[]

/**
 * The schema compiled once. Unknown keywords are annotations, as the specification says; patterns run on the
 * contract's own engine, so that no pattern can hang the lane.
 */
export function compileValidator(schema: JsonSchema): JsonValidator {
  const place = { subject: schema.subject, path: '' }
  // The validator tells patterns apart by their text.
  const engine = (pattern: string) => ({ ...compilePattern(pattern, place), toString: () => pattern })
  const regExp = Object.assign(engine as unknown as RegExpEngine, { code: 'pattern' })
  const options = { allErrors: true, strict: false, logger: false, ownProperties: true, code: { regExp } } as const
  const ajv = newAjv(schema.draft, options)
  const addFormats = load('ajv-formats') as (target: Ajv, formats: readonly string[]) => void
  addFormats(ajv, ASSERTED)
  let validate: ValidateFunction
  try {
    validate = ajv.compile(JSON.parse(schema.text) as object)
  } catch (error) {
    throw invalidContract(
      place,
      `the schema does not compile: ${error instanceof Error ? error.message : String(error)}`,
      error,
    )
  }
  return (value) => {
    if (validate(value) === true) return []
    const errors = validate.errors ?? []
    validate.errors = null
    return errors
  }
}

function newAjv(draft: JsonSchema['draft'], options: Options): Ajv {
  const made =
    draft === 'draft-07'
      ? new (load('ajv') as typeof Draft07).Ajv(options)
      : new (load('ajv/dist/2020.js') as typeof Draft2020).Ajv2020(options)
  return made as Ajv
}
