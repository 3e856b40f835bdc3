import { createAvroReader } from '../../src/contract/avro/read/reader.ts'
import { createBuilder } from '../../src/contract/columns/nested-builders.ts'
import { parseContract } from '../../src/contract/parse-contract.ts'
import { PrivateNames } from '../../src/contract/privacy/private-names.ts'
import { RowState } from '../../src/contract/reading/row-state.ts'
import { compileRuleCheck } from '../../src/contract/rules/check-rules.ts'
import { readSchemaId } from '../../src/contract/wire.ts'
import type { UnknownFieldMode } from '../../src/domain/contract.ts'
import type { JsonValue, RuleBreach } from '../../src/domain/dead-letter.ts'
import type { RegisteredSchema } from '../../src/ports/schema-registry.ts'
import { columnValues } from './column-values.ts'

export interface PlainVerdict {
  /** Indexes of the records that passed. */
  readonly rows: readonly number[]
  readonly landed: readonly Readonly<Record<string, unknown>>[]
  /** Codes and fields of what each other record broke. */
  readonly broken: readonly (readonly string[])[]
  /** What a letter says of each of those: every rule in full, and the record as JSON. Null where no schema is named. */
  readonly told: readonly ({ readonly errors: readonly RuleBreach[]; readonly record: JsonValue } | null)[]
  readonly rescued: readonly (string | null)[]
}

export interface PlainQuestion {
  readonly schema: RegisteredSchema
  readonly mode?: UnknownFieldMode
  readonly writers: ReadonlyMap<number, RegisteredSchema>
  readonly values: readonly Uint8Array[]
}

/** The verdict of the plain reader on each record by itself: the measure of the fast one. Of Avro contracts. */
export function judgePlainly({ schema, mode = 'rescue', writers, values }: PlainQuestion): PlainVerdict {
  const contract = parseContract(schema)
  const row = new RowState(mode)
  const builders = contract.fields.map((field) => createBuilder(field.column.type))
  const checks = contract.fields.map((field, i) => compileRuleCheck(field, builders[i]!))
  const privateNames = new PrivateNames(contract)
  const reader = createAvroReader({ contract, mode, builders, row, evolved: [], privateNames, rules: [], checks: [] })
  // Of its own, so that nothing is known of a record that is shown.
  const shown = createAvroReader({ ...FREE, contract, builders, row: new RowState(mode), privateNames, mode })
  const told: PlainVerdict['told'][number][] = []
  const rows: number[] = []
  const broken: string[][] = []
  const rescued: (string | null)[] = []
  values.forEach((value, index) => {
    row.reset()
    const header = readSchemaId(value)
    if (header === null) {
      broken.push(['WIRE_FORMAT'])
      told.push(null)
      return
    }
    const body = { bytes: value, start: header.bodyStart, end: value.length }
    if (reader.read(writers.get(header.schemaId)!, body)) for (const check of checks) check?.(rows.length, row.breaches)
    if (row.breaches.count > 0) {
      const errors = row.breaches.take()
      broken.push(errors.map(({ code, field }) => `${code} ${field}`))
      told.push({ errors, record: shown.show(writers.get(header.schemaId)!, body) })
      for (const builder of builders) builder.truncate(rows.length)
      return
    }
    rescued.push(row.rescuedText())
    rows.push(index)
  })
  const columns = builders.map((builder) => columnValues(builder.finish()))
  const landed = rows.map((_, at) =>
    Object.fromEntries(contract.fields.map((field, i) => [field.column.name, columns[i]![at]])),
  )
  return { rows, landed, broken, told, rescued }
}

const FREE = { evolved: [], rules: [], checks: [] }
