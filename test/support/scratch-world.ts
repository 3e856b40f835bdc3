import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { runIngest, type TableReport } from '../../src/ingest/run-ingest.ts'
import { temporaryFolder } from './sluice.ts'
import { openTestWorld, type TestWorld, type TestWorldOptions } from './world.ts'

/** A world of one test's own; closed and removed with the test. */
export async function scratchWorld(t: TestContext, options: Partial<TestWorldOptions> = {}): Promise<TestWorld> {
  if (options.folder !== undefined) {
    const again = await openTestWorld({ ...options, folder: options.folder })
    t.after(() => again.close())
    return again
  }
  const root = await temporaryFolder('world')
  const world = await openTestWorld({ ...options, folder: join(root.path, 'w') })
  t.after(async () => {
    await world.close()
    await root.remove()
  })
  return world
}

export function ingestAll(world: TestWorld): Promise<TableReport[]> {
  return runIngest(world, [...world.settings.tables.values()])
}
