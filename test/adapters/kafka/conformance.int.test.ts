import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
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
    const properties = { 'log.roll.ms': String(2n ** 62n), 'group.min.session.timeout.ms': '1000' }
    kafka = await startKafka({ properties })
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
    const some = { membersGroup: `run-${opened}`, prefix: `run-${opened}.` }
    const handles = [openLog(kafka.bootstrap, some)]
    // Offsets are kept of topics that are there.
    await handles[0]!.create('t', { partitions: 4, retentionMs: null })
    return {
      assignment: handles[0]!,
      keepsPositions: true,
      another: async () => {
        const handle = openLog(kafka.bootstrap, some)
        handles.push(handle)
        return handle
      },
      cleanup: async () => {
        await Promise.all(handles.map((handle) => handle.close()))
        await deleteTopics(kafka.bootstrap, ['t'])
      },
    }
  })

  test('I1 a process that was paused past its session, and lost its partitions, tells the lag group nothing of them', async () => {
    const sessionMs = 2_000
    const some = { membersGroup: 'paused', prefix: 'paused.', sessionTimeoutMs: sessionMs, heartbeatMs: 100 }
    const program = [join(import.meta.dirname, 'hold-member.ts'), kafka.bootstrap, 'paused', String(sessionMs)]
    const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] })
    const log = openLog(kafka.bootstrap, some)
    try {
      await log.create('t', { partitions: 2, retentionMs: null })
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      await lines.next()
      await lines.next()
      const places = ['t/0', 't/1']
      const told = async (): Promise<(bigint | undefined)[]> => {
        const found = await log.told('ingest/orders', places)
        return places.map((place) => found?.get(place))
      }
      assert.deepEqual(await told(), [7n, 7n])
      child.kill('SIGSTOP')
      const member = await log.join('ingest/orders', places)
      while ((await member.poll()).size < places.length);
      await member.tell(new Map(places.map((place) => [place, 9n])))
      assert.deepEqual(await told(), [9n, 9n])
      child.kill('SIGCONT')
      for (let i = 0; i < 5; i += 1) await lines.next()
      const held = await member.poll()
      const after = await told()
      // What the group has shared with it since is its own to tell of.
      for (const [i, place] of places.entries()) if (held.has(place)) assert.equal(after[i], 9n, place)
      assert.ok(held.size > 0)
    } finally {
      child.kill('SIGKILL')
      await Promise.all([once(child, 'exit'), log.close()])
      await deleteTopics(kafka.bootstrap, ['t'])
    }
  })
})
