import type { InferredContract } from '../../contract/infer/infer-contract.ts'
import type { SourceBatch, SourceValue } from '../../ports/source-connector.ts'
import { kindOf } from './draft-columns.ts'
import type { SourceFile } from './source-file.ts'

/** One row that the contract refuses, and why. */
export interface BadRow {
  /** The file's text. */
  readonly text: string
  /** For the README: what is wrong with it. */
  readonly why: string
}

export interface BadRowRequest {
  readonly file: SourceFile
  readonly draft: InferredContract
  /** The header's names as the file has them; they stand in the order of the draft's columns. */
  readonly header: readonly string[]
  /** A good row: its columns by their plain names. */
  readonly sample: { readonly columns: readonly string[]; readonly values: readonly SourceValue[] }
  /** A rule that the built-in sample has. */
  readonly known?: { readonly column: string; readonly value: string; readonly why: string }
}

/** A copy of a good row with one value broken. Pure. */
export function breakRow(request: BadRowRequest): BadRow {
  const { draft, known } = request
  if (known !== undefined) return { text: rowText(request, known.column, known.value), why: known.why }
  const required = draft.columns.filter((column) => !column.nullable)
  const isKey = (name: string): boolean => draft.key?.includes(name) === true
  const texts = required.filter((column) => kindOf(column) === 'text' && !isKey(column.name))
  // what a message may say of personal data tells little
  const text = texts.find(({ pii }) => pii === null) ?? texts[0]
  if (text !== undefined) return withoutText(request, text.name)
  const typed = required.find((column) =>
    ['integer', 'decimal', 'double', 'date', 'timestamp'].includes(kindOf(column)),
  )
  if (typed !== undefined) {
    const what = ['date', 'timestamp'].includes(kindOf(typed)) ? 'time' : 'number'
    return {
      text: rowText(request, typed.name, `not a ${what}`),
      why: `its \`${typed.name}\` says "not a ${what}", which the type in the contract cannot hold`,
    }
  }
  const key = required.find((column) => kindOf(column) === 'text')
  if (key !== undefined) return withoutText(request, key.name)
  return request.file.format !== 'csv'
    ? { text: 'this is no JSON\n', why: 'the line is no JSON object' }
    : {
        text: `${csvLine(request, request.header)}\n${csvLine(request, [...request.header, 'one too many'])}\n`,
        why: 'the line has more fields than the header',
      }
}

function withoutText(request: BadRowRequest, column: string): BadRow {
  if (request.file.format !== 'csv') {
    return {
      text: rowText(request, column, null),
      why: `its \`${column}\` is null, and the contract does not allow that`,
    }
  }
  return {
    text: rowText(request, column, ''),
    why: `its \`${column}\` is empty, and the contract wants at least one character there (\`"minLength": 1\`)`,
  }
}

function rowText(request: BadRowRequest, column: string, value: string | null): string {
  const { file, header, sample } = request
  const values = sample.columns.map((name, index) => (name === column ? value : (sample.values[index] ?? null)))
  if (file.format !== 'csv') {
    return `${JSON.stringify(Object.fromEntries(header.map((name, index) => [name, plain(values[index] ?? null)])))}\n`
  }
  return `${csvLine(request, header)}\n${csvLine(
    request,
    values.map((each) => (typeof each === 'string' ? each : '')),
  )}\n`
}

function plain(value: SourceValue): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Number(value) : value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each as SourceValue)]))
}

function csvLine({ file }: BadRowRequest, fields: readonly string[]): string {
  const quoted = fields.map((field) =>
    field.includes(file.delimiter) || /["\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  )
  // an empty line is no record
  return quoted.join(file.delimiter) || '""'
}

/** The first row that could be read, for `sample`. */
export async function firstRow(
  read: () => AsyncIterable<SourceBatch>,
): Promise<{ readonly columns: readonly string[]; readonly values: readonly SourceValue[] }> {
  for await (const { columns, rows } of read()) if (rows[0] !== undefined) return { columns, values: rows[0].values }
  return { columns: [], values: [] }
}
