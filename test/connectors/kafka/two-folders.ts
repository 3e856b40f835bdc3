import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import type { TwoClusters } from './kafka-promises.ts'

/** Both clusters as embedded logs in a folder of their own. */
export async function openTwoFolders(): Promise<TwoClusters> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
  const opened: EmbeddedLog[] = []
  const open = async (name: string): Promise<EmbeddedLog> => {
    const log = await openEmbeddedLog({ dir: join(folder, name), clock: systemClock })
    opened.push(log)
    return log
  }
  const other = await open('other')
  return {
    other,
    ours: await open('ours'),
    openOther: () => openEmbeddedLog({ dir: join(folder, 'other'), clock: systemClock }),
    deleteOther: async (topic) => {
      await other.deleteTopic(topic)
    },
    close: async () => {
      for (const log of opened) await log.close()
      await rm(folder, { recursive: true })
    },
  }
}
