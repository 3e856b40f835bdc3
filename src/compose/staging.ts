import { mkdir, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/**
 * Local folders for staged files, one a process, named after host and process so that what a killed process left
 * behind can be told from what a live one still writes.
 */
export interface Staging {
  folder(purpose: string): Promise<string>
  close(): Promise<void>
}

export async function openStaging(root: string, runId: string): Promise<Staging> {
  const host = hostname().replaceAll(/[^A-Za-z0-9]/g, '_')
  await sweep(root, host)
  const own = join(root, `${host}-${process.pid}-${runId}`)
  let count = 0
  return {
    async folder(purpose) {
      count += 1
      const folder = join(own, `${count}-${purpose.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}`)
      await mkdir(folder, { recursive: true })
      return folder
    },
    async close() {
      await rm(own, { recursive: true, force: true })
    },
  }
}

/** Removes the folders of processes of this host that are gone. */
async function sweep(root: string, host: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    const [owner, pid] = name.split('-')
    if (owner === host && pid !== undefined && !isAlive(Number(pid)))
      await rm(join(root, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
