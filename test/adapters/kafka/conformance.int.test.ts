import { after, before, describe } from 'node:test'
import type { TopicLog } from '../../../src/ports/topic-log.ts'
import { assignmentConformance } from '../../conformance/assignment.ts'
import { topicLogConformance } from '../../conformance/topic-log.ts'
import { kafkaMissing, startKafka, type Kafka } from '../../services/kafka.ts'
import { asAdmin, deleteTopics, openLog } from './open-log.ts'

const skip = await kafkaMissing()
let kafka: Kafka
let opened = 0

describe('the Kafka adapter on a real broker', { skip }, () => {
  before(async () => {
    // Records of any time: a broker that begins a segment for each jump of time is busy with files.
    kafka = await startKafka({ properties: { 'log.roll.ms': String(2n ** 62n) } })
  })
  after(() => kafka.close())

  topicLogConformance('Kafka', async () => {
    const { bootstrap } = kafka
    opened += 1
    const some = { stateTopic: `_state.${opened}`, prefix: `run-${opened}.` }
    const handles: TopicLog[] = []
    const open = (): TopicLog => {
      const handle = openLog(bootstrap, some)
      handles.push(handle)
      return handle
    }
    return {
      log: open(),
      recordTimes: true,
      reopen: async () => open(),
      deleteTopic: (topic) => deleteTopics(bootstrap, [topic]),
      cleanup: async () => {
        await Promise.all(handles.map((handle) => handle.close()))
        const topics = await asAdmin(bootstrap, (admin) => admin.listTopics())
        await deleteTopics(
          bootstrap,
          topics.filter((topic) => !topic.startsWith('__')),
        )
      },
    }
  })

  assignmentConformance('Kafka', async () => {
    opened += 1
    const handles = [openLog(kafka.bootstrap, { membersGroup: `run-${opened}` })]
    return {
      assignment: handles[0]!,
      another: async () => {
        const handle = openLog(kafka.bootstrap, { membersGroup: `run-${opened}` })
        handles.push(handle)
        return handle
      },
      cleanup: async () => {
        await Promise.all(handles.map((handle) => handle.close()))
      },
    }
  })
})
