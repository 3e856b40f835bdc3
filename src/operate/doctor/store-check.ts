import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { fail, ok, type Finding } from './check.ts'

const WRITERS = 8

/** I6, proved on the store itself: of writers that race for one name exactly one is told that it wrote. */
export async function checkPutIfAbsent(world: Pick<World, 'lake' | 'storeAt' | 'clock'>): Promise<Finding> {
  const path = `_status/probe-${world.clock.newId()}`
  // Handles of their own, as several processes have.
  const stores: ObjectStore[] = Array.from({ length: WRITERS }, () => world.storeAt(world.lake.uri))
  try {
    const outcomes = await Promise.all(stores.map((store, i) => store.putIfAbsent(path, Buffer.from(`writer ${i}`))))
    const written = outcomes.flatMap((outcome, i) => (outcome === 'written' ? [i] : []))
    const held = Buffer.from((await world.lake.read(path)) ?? []).toString('utf8')
    if (written.length === 1 && held === `writer ${written[0]}`) {
      return ok(`${world.lake.uri} can be written, and of ${WRITERS} racing writers one won`)
    }
    return fail(
      `${world.lake.uri} told ${written.length} of ${WRITERS} racing writers that they wrote one name: commits could be lost`,
      'Put the lake on a store that honours put-if-absent; a local folder needs hard links.',
    )
  } finally {
    await world.lake.delete([path])
  }
}
