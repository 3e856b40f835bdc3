import type { ColumnField } from '../../domain/column-batch.ts'
import { compareOrdered, orderedValue } from '../../lake/files/bound-order.ts'
import { pruneFiles, type ColumnRange, type PrunedTable } from '../../lake/files/prune.ts'
import type { LogJson } from '../../lake/log/log-json.ts'
import type { AddFile } from '../../lake/snapshot.ts'
import type { EngineRow } from '../../ports/model-engine.ts'
import { evenFiles, type Rewrite } from './plan-rewrites.ts'

/** What queries of one kind must read on average, by the log's statistics. */
export interface SkippingEffect {
  /** `point`: one value in each column. `range`: about a tenth of the rows by the one column. */
  readonly query: 'point' | 'range'
  readonly columns: readonly string[]
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

export interface EffectRequest {
  readonly table: PrunedTable
  readonly before: readonly AddFile[]
  readonly after: readonly AddFile[]
  readonly columns: readonly string[]
  /** Rows of the table, drawn at random. */
  readonly sample: readonly EngineRow[]
}

/** A tenth of the rows. */
const RANGES = 10

/** For each column a point and a range, and for all together a point. Queries without a sampled row are left out. Pure. */
export function skippingEffect(request: EffectRequest): readonly SkippingEffect[] {
  const { columns } = request
  const effects: (SkippingEffect | null)[] = []
  for (const column of columns) {
    effects.push(averageOf(request, 'point', [column], points(request, [column])))
    effects.push(averageOf(request, 'range', [column], ranges(request, column)))
  }
  if (columns.length > 1) effects.push(averageOf(request, 'point', columns, points(request, columns)))
  return effects.filter((effect) => effect !== null)
}

export interface ForeseenRequest {
  readonly table: PrunedTable
  readonly files: readonly AddFile[]
  readonly rewrites: readonly Rewrite[]
  readonly columns: readonly string[]
  readonly sample: readonly EngineRow[]
  readonly targetBytes: number
}

/**
 * The same before anything is written: what is read now is counted, what will be is reckoned, each partition that is
 * clustered anew as even tiles with as many borders by each column. Pure.
 */
export function foreseenEffect(request: ForeseenRequest): readonly SkippingEffect[] {
  const { table, files, rewrites, columns, sample } = request
  const rewritten = new Set(rewrites.flatMap((rewrite) => rewrite.files))
  const left = files.filter((file) => !rewritten.has(file))
  return skippingEffect({ table, before: files, after: left, columns, sample }).map((effect) => {
    const sums = { files: effect.filesAfter, bytes: effect.bytesAfter }
    for (const rewrite of rewrites) {
      const { files: count } = evenFiles(rewrite, request.targetBytes)
      const strips = count ** (1 / columns.length)
      const share = effect.query === 'point' ? strips ** -effect.columns.length : Math.min(1, 1 / RANGES + 1 / strips)
      sums.files += Math.max(1, count * share)
      sums.bytes += rewrite.bytes * Math.max(1 / count, share)
    }
    return { ...effect, filesAfter: sums.files, bytesAfter: sums.bytes }
  })
}

/** Columns of which some file states no bounds though it has values: by them it cannot be left out. Pure. */
export function unboundedColumns(files: readonly AddFile[], columns: readonly string[]): readonly string[] {
  return columns.filter((column) =>
    files.some(({ stats }) => {
      const nulls = stats?.nulls[column]
      return stats === null || (stats.rows !== nulls && stats.min[column] === undefined)
    }),
  )
}

function averageOf(
  { table, before, after }: EffectRequest,
  query: SkippingEffect['query'],
  columns: readonly string[],
  wanted: readonly (readonly ColumnRange[])[],
): SkippingEffect | null {
  if (wanted.length === 0) return null
  const sums = { filesBefore: 0, filesAfter: 0, bytesBefore: 0, bytesAfter: 0 }
  for (const each of wanted) {
    const [read, readNow] = [pruneFiles(before, table, each), pruneFiles(after, table, each)]
    sums.filesBefore += read.length
    sums.filesAfter += readNow.length
    sums.bytesBefore += bytesOf(read)
    sums.bytesAfter += bytesOf(readNow)
  }
  const mean = (sum: number): number => sum / wanted.length
  return {
    query,
    columns,
    filesBefore: mean(sums.filesBefore),
    filesAfter: mean(sums.filesAfter),
    bytesBefore: mean(sums.bytesBefore),
    bytesAfter: mean(sums.bytesAfter),
  }
}

function points({ sample }: EffectRequest, columns: readonly string[]): readonly (readonly ColumnRange[])[] {
  return sample.flatMap((row) => {
    const wanted = columns.map((column) => ({ column, value: scalarOf(row[column]) }))
    if (wanted.some(({ value }) => value === null)) return []
    return [wanted.map(({ column, value }): ColumnRange => ({ column, min: value, max: value }))]
  })
}

/** Between every tenth value and the one a tenth further. */
function ranges({ sample, table }: EffectRequest, column: string): readonly (readonly ColumnRange[])[] {
  const type = table.fields.find(({ name }) => name === column)?.type
  if (type === undefined) return []
  const sorted = sortedValues(sample, column, type)
  if (sorted.length < RANGES) return []
  return Array.from({ length: RANGES }, (_, i): readonly ColumnRange[] => [
    {
      column,
      min: sorted[Math.floor((i * (sorted.length - 1)) / RANGES)]!,
      max: sorted[Math.floor(((i + 1) * (sorted.length - 1)) / RANGES)]!,
    },
  ])
}

function sortedValues(sample: readonly EngineRow[], column: string, type: ColumnField['type']): readonly LogJson[] {
  const placed = sample.flatMap((row) => {
    const value = scalarOf(row[column])
    const at = orderedValue(type, value)
    return value === null || at === null ? [] : [{ value, at }]
  })
  return placed.sort((a, b) => compareOrdered(a.at, b.at)).map(({ value }) => value)
}

function scalarOf(value: EngineRow[string] | undefined): string | number | bigint | boolean | null {
  return value === undefined || typeof value === 'object' ? null : value
}

function bytesOf(files: readonly AddFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}
