import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { systemClock } from '../../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import { asAdmin, deleteTopics, openLog } from '../../adapters/kafka/open-log.ts'
import { kafkaMissing, startKafka, type Kafka } from '../../services/kafka.ts'
import { kafkaPromises } from './kafka-promises.ts'

const skip = await kafkaMissing()
let kafka: Kafka

describe('copying from a real cluster', { skip }, () => {
  before(async () => {
    kafka = await startKafka({ properties: { 'log.roll.ms': String(2n ** 62n) } })
  })
  after(() => kafka.close())

  kafkaPromises('Kafka', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-copy-'))
    const ours = await openEmbeddedLog({ dir: folder, clock: systemClock })
    const handles: TopicLog[] = []
    const openOther = async (): Promise<TopicLog> => {
      const log = openLog(kafka.bootstrap)
      handles.push(log)
      return log
    }
    return {
      other: await openOther(),
      ours,
      openOther,
      deleteOther: (topic) => deleteTopics(kafka.bootstrap, [topic]),
      close: async () => {
        await Promise.all(handles.map((log) => log.close()))
        const topics = await asAdmin(kafka.bootstrap, (admin) => admin.listTopics())
        await deleteTopics(
          kafka.bootstrap,
          topics.filter((topic) => !topic.startsWith('__')),
        )
        await ours.close()
        await rm(folder, { recursive: true })
      },
    }
  })
})
