import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openDuckdbEngine } from '../../src/adapters/duckdb/duckdb-engine.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import type { ColumnField } from '../../src/domain/column-batch.ts'
import { commitTransaction } from '../../src/lake/commit.ts'
import { addStagedFile } from '../../src/lake/data-file.ts'
import { engineInput } from '../../src/lake/engine-input.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { EngineRow, ModelEngine } from '../../src/ports/model-engine.ts'

const PARTITIONS = ['_run_date']

export interface Rows {
  /** `layer.table` */
  readonly table: string
  readonly fields: readonly ColumnField[]
  /** A SELECT of the fields, `_run_date` among them; a file each. */
  readonly selects: readonly string[]
}

/** Lakes that a bench makes: a table's rows as SELECTs, landed as ingest lands them, one commit a call. */
export interface BenchLakes {
  readonly root: string
  land(lake: string, rows: Rows): Promise<void>
  /** What a table of some lake answers to a SELECT over `t`. */
  ask(lake: string, table: string, sql: string): Promise<readonly EngineRow[]>
  /** The lake once more, with its state; files that never change are linked. */
  copy(lake: string, to: string): Promise<void>
  remove(lake: string): Promise<void>
  close(): Promise<void>
}

export async function openBenchLakes(): Promise<BenchLakes> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-bench-lake-'))
  const engine = openDuckdbEngine({ memoryLimitBytes: 2 ** 31, threads: 2, tempFolder: join(root, 'spill') })
  const tableOf = (lake: string, table: string) => openFilesystemStore(join(lake, table.replace('.', '/')))
  return {
    root,
    async land(lake, { table, fields, selects }) {
      const store = tableOf(lake, table)
      const snapshot = await openSnapshot(store)
      const adds = []
      for (const sql of selects) {
        for (const staged of await stageFiles(engine, { sql, fields, folder: join(root, 'staged', randomUUID()) })) {
          adds.push(
            await addStagedFile({
              store,
              staged,
              fields,
              partitionColumns: PARTITIONS,
              newId: () => systemClock.newId(),
            }),
          )
        }
      }
      await commitTransaction({
        store,
        snapshot,
        ...(snapshot === null ? { create: { fields, partitionColumns: PARTITIONS, configuration: {} } } : {}),
        adds,
        removes: [],
        txns: new Map(),
        expectTxns: new Map(),
        reads: 'nothing',
        dataChange: true,
        operation: { name: 'WRITE', parameters: { mode: 'Append' }, metrics: {} },
        clock: systemClock,
      })
    },
    async ask(lake, table, sql) {
      const store = tableOf(lake, table)
      const snapshot = await openSnapshot(store)
      if (snapshot === null) throw new Error(`${lake} has no table ${table}`)
      const [rows = []] = await engine.ask({
        inputs: [await engineInput({ name: 't', store, snapshot })],
        questions: [sql],
      })
      return rows
    },
    async copy(lake, to) {
      for (const part of ['', '.state']) await linkTree(`${lake}${part}`, `${to}${part}`)
    },
    async remove(lake) {
      for (const part of ['', '.state']) await rm(`${lake}${part}`, { recursive: true, force: true })
    },
    async close() {
      await engine.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function stageFiles(
  engine: ModelEngine,
  { sql, fields, folder }: { readonly sql: string; readonly fields: readonly ColumnField[]; readonly folder: string },
) {
  await mkdir(folder, { recursive: true })
  const output = { sql, fields, partitionBy: PARTITIONS, folder, targetFileBytes: 2 ** 27 }
  return (await engine.stage({ inputs: [], steps: [], probes: [], output })).files
}

async function linkTree(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    const target = join(to, path.slice(from.length))
    await mkdir(join(target, '..'), { recursive: true })
    await (entry.name.endsWith('.parquet') ? link(path, target) : copyFile(path, target))
  }
}
