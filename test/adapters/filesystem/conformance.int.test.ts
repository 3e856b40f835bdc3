import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import { objectStoreConformance } from '../../conformance/object-store.ts'
import { raceProcesses } from '../../conformance/race-processes.ts'

objectStoreConformance('a local folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-store-'))
  return {
    store: openFilesystemStore(root),
    reopen: async () => openFilesystemStore(root),
    race: (path, writers) => raceProcesses(root, path, writers),
    keepsTemporary: true,
    cleanup: () => rm(root, { recursive: true, force: true }),
  }
})
