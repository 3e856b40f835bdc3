import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openInProcessPool } from '../../../src/adapters/workers/in-process-pool.ts'
import { createFlushWork } from '../../../src/ingest/decode/flush-work.ts'
import { decodePoolConformance } from '../../conformance/decode-pool.ts'

decodePoolConformance('the pool without a thread', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pool-'))
  return {
    pool: openInProcessPool({ openWork: createFlushWork(), folder: async () => folder }),
    cleanup: () => rm(folder, { recursive: true, force: true }),
  }
})
