import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../adapters/clock/system-clock.ts'
import type { S3Settings } from '../domain/settings.ts'
import type { ModelEngine } from '../ports/model-engine.ts'
import type { Bench } from '../ports/world.ts'
import { openStores } from './stores.ts'
import { openConnectors } from './connectors.ts'

/** What the settings' own defaults say. */
const ENGINE = { memoryLimitBytes: 256 * 1024 * 1024, threads: 2 }
const WORK_DIR = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice')
const CACHE_BYTES = 4096 * 1024 * 1024
/** What the AWS SDK finds in environment and profile. */
const S3: S3Settings = {
  region: null,
  endpoint: null,
  forcePathStyle: false,
  profile: null,
  accessKeyId: null,
  secretAccessKey: null,
  sessionToken: null,
  encryption: 'none',
  kmsKeyId: null,
}

/** An engine and stores by place, for looking at tables without a project. */
export function openBench(): Bench {
  let engine: Promise<ModelEngine> | null = null
  let folder: string | null = null
  const open = async (): Promise<ModelEngine> => {
    const { openDuckdbEngine } = await import('../adapters/duckdb/duckdb-engine.ts')
    folder = await mkdtemp(join(tmpdir(), 'sluice-'))
    return openDuckdbEngine({ ...ENGINE, tempFolder: folder })
  }
  const storeAt = openStores({ workDir: WORK_DIR, cacheBytes: CACHE_BYTES, s3: S3 })
  return {
    storeAt,
    connector: openConnectors(systemClock, storeAt),
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
