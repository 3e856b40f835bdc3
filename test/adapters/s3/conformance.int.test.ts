import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openFileCache } from '../../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../../src/adapters/s3/s3-store.ts'
import { objectStoreConformance } from '../../conformance/object-store.ts'
import { raceProcesses } from '../../conformance/race-processes.ts'
import { s3Missing, startS3, type S3, type S3Kind } from '../../services/s3.ts'
import { s3Settings } from '../../services/s3-settings.ts'

for (const kind of ['versitygw', 'moto'] as const) {
  const skip = await s3Missing(kind)
  if (skip === false) await conform(kind)
  else test(`${kind} keeps the promises of an object store`, { skip }, () => undefined)
}

async function conform(kind: S3Kind): Promise<void> {
  let server: Promise<S3> | null = null
  let folders = 0
  after(async () => (await server)?.close())
  describe(kind, () => {
    objectStoreConformance(`S3 (${kind})`, async () => {
      server ??= startS3({ kind }).then(async (started) => {
        await started.bucket('lake')
        return started
      })
      const s3 = await server
      const work = await mkdtemp(join(tmpdir(), 'sluice-s3-'))
      folders += 1
      const uri = `s3://lake/test-${folders}`
      const open = () =>
        openS3Store({ uri, settings: s3Settings(s3), cache: openFileCache({ folder: work, maxBytes: 1e9 }) })
      return {
        store: open(),
        reopen: async () => open(),
        race: (path, writers) => raceProcesses(uri, path, writers, s3.env),
        cleanup: () => rm(work, { recursive: true, force: true }),
      }
    })
  })
}
