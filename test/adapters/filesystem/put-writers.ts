import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import { writerBytes } from '../../conformance/race-bytes.ts'

/** Writers of one process in a race: waits for a line, puts at once, prints what each was told. */
const [root, path, first, writers] = process.argv.slice(2)
const store = openFilesystemStore(root!)
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
