import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Settings } from '../../src/domain/settings.ts'
import { ensureTopics } from '../../src/extract/ensure-topics.ts'
import type { TopicOptions } from '../../src/ports/topic-log.ts'
import { memoryLog, SHOP } from './extract-doubles.ts'

test('every topic that settings name is made, by source, table or on its own', async () => {
  const made = new Map<string, TopicOptions>()
  const log = {
    ...memoryLog(1),
    create: (topic: string, options: TopicOptions) => (made.set(topic, options), memoryLog(1).create(topic, options)),
  }
  const settings = {
    topics: new Map([
      ['orders', { topic: 'orders', partitions: 4, retentionMs: null }],
      ['spare', { topic: 'spare', partitions: 2, retentionMs: 5 }],
    ]),
    sources: new Map([
      ['shop', SHOP],
      ['web', { ...SHOP, name: 'web', topic: 'clicks' }],
    ]),
    tables: new Map([['visits', { topic: 'visits' }]]),
  } as unknown as Settings
  await ensureTopics({ settings, log })
  const week = { partitions: 1, retentionMs: 604_800_000 }
  assert.deepEqual(
    made,
    new Map<string, TopicOptions>([
      ['orders', { partitions: 4, retentionMs: null }],
      ['spare', { partitions: 2, retentionMs: 5 }],
      ['clicks', week],
      ['visits', week],
    ]),
  )
})
