import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import type { ColumnField } from '../../../src/domain/column-batch.ts'
import { writeDataFile, type NewFile } from '../../../src/lake/data-file.ts'
import { storePath } from '../../../src/lake/log/file-key.ts'
import { openSnapshot, type Snapshot } from '../../../src/lake/snapshot.ts'
import { readParquetRows } from '../../parquet/whole-file.ts'
import type { ObjectStore } from '../../../src/ports/object-store.ts'
import { step } from '../../lake/table-steps.ts'
import { batchOf, type Cell } from '../../parquet/build-columns.ts'
import { comparable } from '../../parquet/random-columns.ts'
import { scratchWorld } from '../../support/scratch-world.ts'
import type { TestWorld, TestWorldOptions } from '../../support/world.ts'

/** A lake whose files are to be of a few KB, and a table in it that is made of what a test gives. */
export async function optimizeWorld(
  t: TestContext,
  partitionSizeBytes = 1 << 20,
  options: Partial<TestWorldOptions> = {},
): Promise<TestWorld> {
  const world = await scratchWorld(t, options)
  return {
    ...world,
    settings: { ...world.settings, performance: { ...world.settings.performance, partitionSizeBytes } },
  }
}

export type Row = readonly Cell[]

export interface TableShape {
  readonly fields: readonly ColumnField[]
  readonly partitionColumns?: readonly string[]
}

export interface FileRows {
  readonly rows: readonly Row[]
  readonly partitionValues?: Readonly<Record<string, string | null>>
}

export async function writeFile(store: ObjectStore, shape: TableShape, file: FileRows): Promise<NewFile> {
  return writeDataFile({
    store,
    batches: [batchOf(shape.fields, file.rows)],
    fields: shape.fields,
    partitionColumns: shape.partitionColumns ?? [],
    partitionValues: file.partitionValues ?? {},
    unstated: new Set(),
    newId: () => randomUUID(),
  })
}

/** A commit for each file. */
export async function appendFiles(store: ObjectStore, shape: TableShape, files: readonly FileRows[]): Promise<void> {
  let snapshot = await openSnapshot(store)
  if (snapshot === null) {
    const create = { fields: shape.fields, partitionColumns: shape.partitionColumns ?? [], configuration: {} }
    snapshot = await step(store, null, { create, clock: systemClock })
  }
  for (const file of files) {
    snapshot = await step(store, snapshot, { adds: [await writeFile(store, shape, file)], clock: systemClock })
  }
}

/** All rows, partition values as the log has them, in an order of their own: what must stay the same. */
export async function tableRows(store: ObjectStore, snapshot?: Snapshot): Promise<string[]> {
  const { files } = snapshot ?? (await openSnapshot(store))!
  const rows: string[] = []
  for (const { path, partitionValues } of files.values()) {
    const source = (await store.read(storePath(path)))!
    for await (const row of readParquetRows({ source, name: path })) {
      rows.push(print({ ...(comparable(row as Cell) as object), ...partitionValues }))
    }
  }
  return rows.sort()
}

/** -0 and NaN too. */
function print(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => {
    if (typeof each === 'bigint') return `${each}n`
    return typeof each === 'number' && (!Number.isFinite(each) || Object.is(each, -0))
      ? `#${Object.is(each, -0) ? '-0' : each}`
      : each
  })
}
