import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Settings } from '../../src/domain/settings.ts'
import { ensureTopics } from '../../src/extract/ensure-topics.ts'
import type { TopicOptions } from '../../src/ports/topic-log.ts'
import { memoryLog } from './extract-doubles.ts'

test('every topic of the settings is made', async () => {
  const made = new Map<string, TopicOptions>()
  const log = {
    ...memoryLog(1),
    create: (topic: string, options: TopicOptions) => {
      made.set(topic, options)
      return memoryLog(1).create(topic, options)
    },
  }
  const topics = [
    { topic: 'orders', partitions: 4, retentionMs: null },
    { topic: 'clicks', partitions: 2, retentionMs: 5 },
  ]
  const settings = { topics: new Map(topics.map((each) => [each.topic, each])) } as unknown as Settings
  await ensureTopics({ settings, log })
  assert.deepEqual(
    [...made],
    topics.map(({ topic, ...options }) => [topic, options]),
  )
})
