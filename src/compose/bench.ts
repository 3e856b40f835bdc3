import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModelEngine } from '../ports/model-engine.ts'
import type { Bench } from '../ports/world.ts'
import { openConnector, openStoreAt } from './world.ts'

/** What the settings' own defaults say. */
const ENGINE = { memoryLimitBytes: 256 * 1024 * 1024, threads: 2 }

/** An engine and stores by place, for looking at tables without a project. */
export function openBench(): Bench {
  let engine: Promise<ModelEngine> | null = null
  let folder: string | null = null
  const open = async (): Promise<ModelEngine> => {
    const { openDuckdbEngine } = await import('../adapters/duckdb/duckdb-engine.ts')
    folder = await mkdtemp(join(tmpdir(), 'sluice-'))
    return openDuckdbEngine({ ...ENGINE, tempFolder: folder })
  }
  return {
    storeAt: openStoreAt,
    connector: openConnector,
    engine() {
      engine ??= open()
      return engine
    },
    async close() {
      await (await engine?.catch(() => null))?.close()
      if (folder !== null) await rm(folder, { recursive: true, force: true })
    },
  }
}
