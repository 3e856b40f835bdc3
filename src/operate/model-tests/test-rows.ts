import { createBuilder, ListBuilder, MapBuilder, StructBuilder } from '../../contract/columns/nested-builders.ts'
import type { ColumnBuilder } from '../../contract/columns/builder.ts'
import { describeColumn } from '../../contract/columns/describe.ts'
import { textWriter } from '../../contract/columns/text-writer.ts'
import type { ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import type { TestRow, TestValue } from '../../domain/model-test.ts'
import { suggestion } from '../../domain/nearest-word.ts'

export interface TestRowsRequest {
  readonly rows: readonly TestRow[]
  readonly fields: readonly ColumnField[]
  /** What the rows are of, for messages. */
  readonly table: string
  readonly file: string
  /** What a column holds that a row does not name; null where nothing. */
  readonly defaultOf: (column: string, row: TestRow, index: number) => TestValue
}

/** Rows of a test as typed columns. Pure. Throws MODEL_INVALID naming the line of a value that its column cannot hold. */
export function typeRows({ rows, fields, table, file, defaultOf }: TestRowsRequest): ColumnBatch {
  const names = new Set(fields.map((field) => field.name))
  for (const row of rows) {
    const unknown = [...row.values.keys()].find((name) => !names.has(name))
    if (unknown === undefined) continue
    throw invalid(`${table} has no column ${unknown}${suggestion(unknown, names)}`, file, row)
  }
  const columns = fields.map(({ name, type }) => {
    const builder = createBuilder(type)
    for (const [index, row] of rows.entries()) {
      const value = row.values.get(name) ?? (row.values.has(name) ? null : defaultOf(name, row, index))
      if (append(builder, value)) continue
      throw invalid(`${table}.${name} is ${describeColumn(type)}, and ${JSON.stringify(value)} is not`, file, row)
    }
    return builder.finish()
  })
  return { length: rows.length, fields, columns }
}

/** False where the column cannot hold the value exactly. */
function append(builder: ColumnBuilder, value: TestValue): boolean {
  if (value === null) {
    builder.appendNull()
    return true
  }
  if (typeof value === 'string') return textWriter(builder)(value)
  if (isList(value)) {
    if (!(builder instanceof ListBuilder) || !value.every((each) => append(builder.element, each))) return false
    builder.close()
    return true
  }
  if (builder instanceof StructBuilder) {
    const fields = builder.type.fields
    if (Object.keys(value).some((key) => !fields.some((field) => field.name === key))) return false
    if (!fields.every(({ name }, index) => append(builder.children[index]!, value[name] ?? null))) return false
    builder.close()
    return true
  }
  if (!(builder instanceof MapBuilder)) return false
  for (const [key, each] of Object.entries(value)) {
    builder.keys.appendText(key)
    if (!append(builder.value, each)) return false
  }
  builder.close()
  return true
}

function isList(value: TestValue): value is readonly TestValue[] {
  return Array.isArray(value)
}

function invalid(message: string, file: string, { line }: TestRow): SluiceError {
  return new SluiceError('MODEL_INVALID', message, { where: { file, ...(line === null ? {} : { line }) } })
}
