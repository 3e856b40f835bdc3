import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { openFileCache } from '../../src/adapters/s3/file-cache.ts'
import { openS3Store } from '../../src/adapters/s3/s3-store.ts'
import { writerBytes } from './race-bytes.ts'
import { S3_FROM_ENVIRONMENT } from '../services/s3-settings.ts'

/** Writers of one process in a race: waits for a line, puts at once, prints what each was told. */
const [root, path, first, writers] = process.argv.slice(2)
const store = root!.startsWith('s3://')
  ? openS3Store({
      uri: root!,
      settings: S3_FROM_ENVIRONMENT,
      cache: openFileCache({ folder: join(tmpdir(), 'sluice-never-used'), maxBytes: 0 }),
    })
  : openFilesystemStore(root!)
// What is proved or loaded at the first use is behind us when the race begins.
await store.stat('none')
process.stdout.write('ready\n')
process.stdin.once('data', () => {
  void Promise.all(
    Array.from({ length: Number(writers) }, async (_, i) => {
      const writer = Number(first) + i
      return `${writer} ${await store.putIfAbsent(path!, writerBytes(writer))}\n`
    }),
  ).then((lines) => {
    process.stdout.write(lines.join(''))
    process.stdin.destroy()
  })
})
