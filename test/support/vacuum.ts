import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { writeCheckpoint } from '../../src/lake/checkpoint/write-checkpoint.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import { activeFiles } from './raw-delta.ts'

/**
 * What vacuum and log clean-up leave of a table that nobody reads in an old version: the files that stand, a checkpoint
 * and the log from there. Answers how many files went.
 */
export async function vacuumHard(table: string): Promise<number> {
  const store = openFilesystemStore(table)
  const { version } = (await openSnapshot(store))!
  const standing = new Set(await activeFiles(table))
  await writeCheckpoint(store, { version, nowMs: Date.now() })
  const entry = String(version).padStart(20, '0')
  const gone: string[] = []
  for (const name of await readdir(table, { recursive: true })) {
    const path = join(table, name)
    const isLog = name.startsWith('_delta_log/')
    const isOldData = !isLog && name.endsWith('.parquet') && !standing.has(path)
    const isOldLog = isLog && /^\d{20}\./.test(name.slice(11)) && name.slice(11, 31) < entry
    if (isOldData || isOldLog) gone.push(path)
  }
  for (const path of gone) await rm(path)
  return gone.length
}
