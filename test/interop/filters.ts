import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import type { ColumnField, ColumnType } from '../../src/domain/column-batch.ts'
import { addStagedFile, writeDataFile, type NewFile } from '../../src/lake/data-file.ts'
import { engineFiles } from '../../src/lake/engine-input.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { openTable, step } from '../lake/table-steps.ts'
import { batchOf, type Cell } from '../parquet/build-columns.ts'

/** A table of every type, with the values whose bounds are hard to state, in files of either writer of ours. */

const column = (name: string, type: ColumnType): ColumnField => ({ name, type, nullable: true })
const FIELDS: readonly ColumnField[] = [
  column('small', { kind: 'int32' }),
  column('long', { kind: 'int64' }),
  column('longest', { kind: 'int64' }),
  column('price', { kind: 'decimal', precision: 12, scale: 3 }),
  column('digits', { kind: 'decimal', precision: 18, scale: 2 }),
  column('wide', { kind: 'decimal', precision: 38, scale: 10 }),
  column('flag', { kind: 'boolean' }),
  column('on', { kind: 'boolean' }),
  column('text', { kind: 'string' }),
  column('essay', { kind: 'string' }),
  column('raw', { kind: 'binary' }),
  column('born', { kind: 'date' }),
  column('seen', { kind: 'timestamp' }),
  column('share', { kind: 'float32' }),
  column('ratio', { kind: 'float64' }),
  column('nothing', { kind: 'string' }),
  column('nan', { kind: 'float64' }),
  column('hidden', { kind: 'string' }),
]

/** Of which the log states no bounds though they have values: private, and with NaN, which is above all numbers. */
export const UNBOUNDED = ['hidden', 'nan']

function cellsOf(i: number): Cell[] {
  const n = BigInt(i)
  return [
    i * 7 - 20,
    9_007_199_254_740_993n + n,
    i % 2 === 0 ? 2n ** 63n - 1n - n : -(2n ** 63n) + n,
    n * 1001n - 7000n,
    999_999_999_999_999_989n - n,
    (i % 2 === 0 ? 1n : -1n) * (10n ** 37n + 7n + n),
    i % 3 === 0,
    true,
    i % 4 === 0 ? null : `t${i}`,
    `${'an essay of '.repeat(9)}${i}`,
    Uint8Array.of(i, 255),
    20_400 + i,
    1_767_225_600_000_001n + n * 999n,
    i / 4,
    i / 3 - 1,
    null,
    i === 3 ? Number.NaN : i / 3,
    `secret ${i}`,
  ]
}

const ROWS_A_FILE = 6
const FILES = 2

/** Two files by our own writer, and two that DuckDB makes of their copies. */
export async function makeTypedTable(store: ObjectStore, folder: string): Promise<void> {
  const shape = { store, fields: FIELDS, partitionColumns: [], newId: () => randomUUID() }
  const unstated = new Set(['hidden'])
  const adds: NewFile[] = []
  for (let at = 0; at < FILES; at += 1) {
    const rows = Array.from({ length: ROWS_A_FILE }, (_, i) => cellsOf(at * ROWS_A_FILE + i))
    adds.push(await writeDataFile({ ...shape, batches: [batchOf(FIELDS, rows)], partitionValues: {}, unstated }))
  }
  const create = { fields: FIELDS, partitionColumns: [], configuration: {} }
  await step(store, null, { create, adds, clock: systemClock })
  const engine = openDuckdbEngine({ memoryLimitBytes: 128 << 20, threads: 1, tempFolder: join(folder, 'temp') })
  try {
    const files = await engineFiles(store, [...(await openTable(store)).files.values()])
    const parts = await engine.rewrite({
      parts: files.map((file) => ({ files: [file], even: null })),
      fields: FIELDS,
      clusterBy: [],
      folder: await mkdtemp(join(folder, 'staged-')),
    })
    const staged = parts.flatMap((part) => part.files)
    const more = await Promise.all(
      staged.map((file) => addStagedFile({ ...shape, staged: { ...file, partitionValues: {} }, unstated })),
    )
    await step(store, await openTable(store), { adds: more, clock: systemClock })
  } finally {
    await engine.close()
  }
}
