import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import { topicLogConformance } from '../../conformance/topic-log.ts'
import { systemClock } from './system-clock.ts'

topicLogConformance('the embedded log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-log-'))
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  const opened = [log]
  return {
    log,
    reopen: async () => {
      const another = await openEmbeddedLog({ dir, clock: systemClock })
      opened.push(another)
      return another
    },
    deleteTopic: async (topic) => {
      await log.deleteTopic(topic)
    },
    cleanup: async () => {
      for (const one of opened) await one.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
})
