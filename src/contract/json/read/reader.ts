import { isUtf8 } from 'node:buffer'
import type { ColumnType } from '../../../domain/column-batch.ts'
import {
  ExactNumber,
  isExactObject,
  parseExactJson,
  showExact,
  type ExactDocument,
  type ExactJson,
} from '../../../domain/exact-json.ts'
import type { ContractField, FieldRules } from '../../../domain/contract.ts'
import type { JsonValue } from '../../../domain/dead-letter.ts'
import type { Body, BodyReader, ReaderOptions } from '../../reading/body-reader.ts'
import { int64Within } from '../../columns/text-writer.ts'
import { EvolvedColumns } from '../../reading/evolved-columns.ts'
import { maskRecord } from '../../mask-record.ts'
import { compileRuleCheck, type RuleCheck } from '../../rules/check-rules.ts'
import { parseIntegerText } from '../../../domain/decimal-text.ts'
import { compileObject } from './append.ts'
import { scalarWriter } from './scalar-writer.ts'
import { breachesOf } from './error-breach.ts'
import { parseJsonSchema } from '../schema.ts'
import { recordShape } from '../shape.ts'
import { compileValidator } from './validator.ts'

/** JSON bodies, judged by the contract's own schema. The writer's schema tells only that the body is JSON. */
export function createJsonReader(options: ReaderOptions): BodyReader {
  const { contract, mode, builders, row } = options
  const schema = parseJsonSchema(contract.text, contract.subject)
  const validate = compileValidator(schema)
  const append = compileObject(recordShape(schema), builders, { path: '', pii: false, row })
  const checksOf = (words: readonly (keyof FieldRules)[]): RuleCheck[] =>
    contract.fields
      .map((field, i) => compileRuleCheck(rulesOnly(words, field), builders[i]!))
      .filter((check) => check !== null)
  const [bounds, lists] = [checksOf(BOUNDS), checksOf(LISTS)]
  const isPlain = parseExactJson(contract.text).plain
  const evolved = new EvolvedColumns(options)
  const evolve = (name: string, value: ExactJson): void => appendEvolved({ name, value }, evolved, options)

  const fail = (reason: string): false => {
    row.breaches.add({ code: 'DECODE', field: null, rule: 'json', message: `The body is no JSON record: ${reason}.` })
    return false
  }

  const show = (body: Body): JsonValue => {
    const document = parseBody(body)
    return typeof document === 'string' ? null : maskRecord(contract, showExact(document.value), (name) => name)
  }

  return {
    begin: () => evolved.begin(),
    read(writer, body) {
      if (writer.format !== 'json') return fail(`schema ${writer.id} is ${writer.format}, and the contract is json`)
      const document = parseBody(body)
      if (typeof document === 'string') return fail(document)
      const { value, plain } = document
      if (!isExactObject(value)) return fail('it is no object')
      const errors = validate(plain ? value : JSON.parse(bodyText(body)))
      for (const breach of breachesOf(errors, { contract, root: schema.root, record: value })) row.breaches.add(breach)
      append(value, mode === 'evolve' ? evolve : undefined)
      evolved.fill(evolved.rows + 1)
      if (plain && isPlain) return true
      const index = builders[0]!.length - 1
      for (const check of bounds) check(index, row.breaches)
      // The validator has told what it saw, in the contract's own words.
      if (row.breaches.count === 0) for (const check of lists) check(index, row.breaches)
      return true
    },
    appendNulls: () => evolved.fill(evolved.rows + 1),
    truncate(rows) {
      evolved.forget(rows)
      evolved.truncate(rows)
    },
    show: (_writer, body) => show(body),
    showInto: (out, _writer, body) => out.text(JSON.stringify(show(body))),
    finish: () => evolved.finish(),
  }
}

const UNPARSED = 'its bytes cannot be parsed'

/** The document, or why there is none. */
function parseBody(body: Body): ExactDocument | string {
  const text = bodyText(body)
  // What decodes to this may be broken UTF-8, or the character itself.
  if (text.includes('\ufffd') && !isUtf8(body.bytes.subarray(body.start, body.end))) return UNPARSED
  try {
    return parseExactJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return UNPARSED
    if (error instanceof RangeError) return error.message
    throw error
  }
}

/** A view made once for the records of a batch. */
let seen: Buffer = Buffer.alloc(0)

function bodyText({ bytes, start, end }: Body): string {
  if (bytes.buffer !== seen.buffer || bytes.byteOffset !== seen.byteOffset || bytes.length !== seen.length)
    seen = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return seen.toString('utf8', start, end)
}

/** What numbers are held to a second time, exactly, where a double cannot hold them or what they are held to. */
const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'] as const
const LISTS = ['enum', 'not'] as const

function rulesOnly(words: readonly (keyof FieldRules)[], field: ContractField): ContractField {
  const isNumber = field.column.type.kind.startsWith('int') || words === BOUNDS
  const rules = Object.fromEntries(
    words.filter((word) => isNumber && field.rules[word] !== undefined).map((word) => [word, field.rules[word]]),
  )
  const { children, ...rest } = field
  return {
    ...rest,
    rules,
    ...(children === undefined ? {} : { children: children.map((child) => rulesOnly(words, child)) }),
  }
}

interface UnknownField {
  readonly name: string
  readonly value: ExactJson
}

/** Mode evolve: a scalar becomes a column of the type first seen; nested values and misfits are rescued. */
function appendEvolved({ name, value }: UnknownField, evolved: EvolvedColumns, { row }: ReaderOptions): void {
  if (value === null) return
  const column = evolved.open(name, () => inferType(value))
  if (column === null || !scalarWriter(column.builder)(value)) row.rescue(name, showExact(value))
}

function inferType(value: ExactJson): ColumnType | null {
  if (typeof value === 'boolean') return { kind: 'boolean' }
  if (typeof value === 'string') return { kind: 'string' }
  const text = value instanceof ExactNumber ? value.text : typeof value === 'number' ? String(value) : null
  if (text === null) return null
  if (int64Within(parseIntegerText(text)) !== null) return { kind: 'int64' }
  return value instanceof ExactNumber ? null : { kind: 'float64' }
}
