import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What tests download or build once and keep under the user's cache folder. A folder there is whole or absent. Safe for
 * tests that run at once: one of them makes it, the others wait.
 */

const LOCK_POLL_MS = 250
/** Longer than any download or build takes; a lock older than this is of a process that hangs. */
const LOCK_LIMIT_MS = 15 * 60_000

/** A runtime or download that this machine lacks: the test is skipped and says so, or fails with `CI=true`. */
export class Missing extends Error {}

export type Skip = string | false

/** The reason why `prepare` cannot be had, for `test`'s `skip`, or false. With `CI=true` a missing one throws. */
export async function reasonToSkip(prepare: () => Promise<unknown>): Promise<Skip> {
  try {
    await prepare()
    return false
  } catch (error) {
    if (!(error instanceof Missing) || process.env['CI'] === 'true') throw error
    return error.message
  }
}

/**
 * The folder `name` of the cache, one for each list of `ingredients`. Where it is not there, `make` fills a fresh folder
 * that then takes its name.
 */
export async function keptFolder(
  name: string,
  ingredients: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(ingredients.join('\n')).digest('hex').slice(0, 16)
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-test')
  const folder = join(cache, `${name}-${hash}`)
  await mkdir(cache, { recursive: true })
  const release = await lock(`${folder}.lock`, () => exists(folder))
  if (release === null) return folder
  const fresh = `${folder}.new-${process.pid}`
  try {
    await rm(fresh, { recursive: true, force: true })
    await mkdir(fresh, { recursive: true })
    await make(fresh)
    await rename(fresh, folder).catch(async (error: unknown) => {
      // Two that took over one stale lock both make it: the first to finish has it.
      if (!(await exists(folder))) throw error
    })
    return folder
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await release()
  }
}

/** Null once `done`, else the lock's release. The lock of a process that is gone is taken over. */
async function lock(path: string, done: () => Promise<boolean>): Promise<(() => Promise<void>) | null> {
  for (;;) {
    if (await done()) return null
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' })
      if (!(await done())) return () => rm(path, { force: true })
      await rm(path, { force: true })
    } catch {
      if (await isStale(path)) await rm(path, { force: true })
      else await sleep(LOCK_POLL_MS)
    }
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    if (Date.now() - mtimeMs > LOCK_LIMIT_MS) return true
    if (text !== '') process.kill(Number(text), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
