import { rm } from 'node:fs/promises'
import type { World } from '../../../ports/world.ts'

/**
 * Runs `work` with staging folders that end with it. The world's own live as long as the process, which here may be
 * months.
 */
export async function withOwnStaging(world: World, work: (own: World) => Promise<void>): Promise<void> {
  const folders: string[] = []
  const stagingFolder = async (purpose: string): Promise<string> => {
    const folder = await world.stagingFolder(purpose)
    folders.push(folder)
    return folder
  }
  try {
    await work({ ...world, stagingFolder })
  } finally {
    // What cannot be removed now goes with the process.
    for (const folder of folders) await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}
