import assert from 'node:assert/strict'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnType } from '../../src/domain/column-batch.ts'
import { formatDeltaSchema } from '../../src/lake/delta-schema.ts'
import { storePath } from '../../src/lake/log/file-key.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { readParquetRows } from '../parquet/whole-file.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import type { Cell } from '../parquet/build-columns.ts'
import { arrowCell } from '../services/arrow-cells.ts'
import type { SeenTable } from '../services/delta-engine.ts'

/** A row: column → cell as `arrowCell` gives it. */
export type SeenRow = Readonly<Record<string, unknown>>

/** A table as our kernel and our reader of files find it, in the form in which other engines tell theirs. */
export async function readOurs(uri: string, apps: readonly string[] = []): Promise<SeenTable> {
  return readOurStore(openFilesystemStore(uri), apps)
}

export async function readOurStore(store: ObjectStore, apps: readonly string[]): Promise<SeenTable> {
  const snapshot = await openSnapshot(store)
  assert.ok(snapshot !== null, `${store.uri} is no table`)
  const { fields, partitionColumns } = snapshot.metadata
  const columns: Record<string, unknown[]> = Object.fromEntries(fields.map(({ name }) => [name, []]))
  let rows = 0
  for (const file of snapshot.files.values()) {
    const source = await store.read(storePath(file.path))
    assert.ok(source !== null, file.path)
    for await (const row of readParquetRows({ source, name: file.path })) {
      rows += 1
      for (const { name, type } of fields) {
        const cell = partitionColumns.includes(name)
          ? partitionCell(type, file.partitionValues[name] ?? null)
          : ((row[name] ?? null) as Cell)
        columns[name]!.push(arrowCell(type, cell))
      }
    }
  }
  return {
    version: snapshot.version,
    schema: bareFields(formatDeltaSchema(fields)),
    partitions: partitionColumns,
    columns,
    rows,
    sums: sumsOf(fields, columns),
    txns: apps.map((app) => {
      const version = snapshot.txns.get(app)
      return version === undefined ? null : Number(version)
    }),
  }
}

/** Rows as texts in one order, to be compared as wholes: neither engines nor files promise an order. */
export function rowTexts({ columns }: SeenTable): string[] {
  return textsOf(rowsOf(columns))
}

export function textsOf(rows: readonly SeenRow[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort()
}

export function rowsOf(columns: SeenTable['columns']): SeenRow[] {
  const names = Object.keys(columns)
  return (columns[names[0]!] ?? []).map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name]![i]])))
}

/** Rows, schema, partition columns, sums and positions; versions too. */
export function assertSame(theirs: SeenTable, ours: SeenTable, where: string): void {
  assert.equal(theirs.version, ours.version, `version of ${where}`)
  assert.deepEqual(theirs.schema, ours.schema, `schema of ${where}`)
  assert.deepEqual(theirs.partitions, ours.partitions, `partition columns of ${where}`)
  assert.deepEqual(rowTexts(theirs), rowTexts(ours), `rows of ${where}`)
  assert.equal(theirs.rows, ours.rows, `count of ${where}`)
  assert.deepEqual(plainSums(theirs.sums), plainSums(ours.sums), `sums of ${where}`)
  assert.deepEqual(theirs.txns, ours.txns, `positions of ${where}`)
}

function partitionCell(type: ColumnType, text: string | null): Cell {
  if (text === null) return null
  switch (type.kind) {
    case 'date':
      return Date.parse(text) / 86_400_000
    case 'int32':
      return Number(text)
    case 'int64':
      return BigInt(text)
    case 'boolean':
      return text === 'true'
    default:
      assert.equal(type.kind, 'string')
      return text
  }
}

function sumsOf(
  fields: readonly { readonly name: string; readonly type: ColumnType }[],
  columns: SeenTable['columns'],
): Record<string, string | null> {
  const sums: Record<string, string | null> = {}
  for (const { name, type } of fields) {
    if (type.kind !== 'int32' && type.kind !== 'int64' && type.kind !== 'decimal') continue
    const values = columns[name]!.filter((cell) => cell !== null).map((cell) => BigInt(cell as string))
    const sum = values.reduce((total, value) => total + value, 0n)
    sums[name] = values.length === 0 ? null : type.kind === 'decimal' ? scaled(sum, type.scale) : sum.toString()
  }
  return sums
}

function scaled(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}

/** `1.500`, `1.5` and `15E-1` are one sum. */
function plainSums(sums: SeenTable['sums']): Record<string, string | null> {
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum === null ? null : plainDecimal(sum)]))
}

function plainDecimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:E([+-]?\d+))?$/.exec(text)
  assert.ok(match !== null, text)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = BigInt(whole + fraction)
  const power = Number(exponent) - fraction.length
  const plain = power >= 0 ? `${digits * 10n ** BigInt(power)}` : scaled(digits, -power).replace(/\.?0+$/, '')
  return digits === 0n ? '0' : `${sign}${plain}`
}

/** Fields of a Delta schema without their metadata. */
function bareFields(schemaText: string): SeenTable['schema'] {
  const bare = (type: unknown): unknown => {
    if (typeof type !== 'object' || type === null) return type
    return Object.fromEntries(
      Object.entries(type).map(([key, value]: [string, unknown]) => [
        key,
        key === 'fields'
          ? (value as { name: string; type: unknown; nullable: boolean }[]).map((field) => ({
              name: field.name,
              type: bare(field.type),
              nullable: field.nullable,
            }))
          : bare(value),
      ]),
    )
  }
  return (bare(JSON.parse(schemaText)) as { fields: SeenTable['schema'] }).fields
}
