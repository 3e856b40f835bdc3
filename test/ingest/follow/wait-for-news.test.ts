import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SluiceError } from '../../../src/domain/errors.ts'
import { waitForNews } from '../../../src/ingest/follow/wait-for-news.ts'
import type { FetchOutcome, FetchRequest, TopicLog } from '../../../src/ports/topic-log.ts'

const signal = new AbortController().signal

/** Partition 0 says what is given; partition 1 waits until it is told that it need not. */
function logOf(first: () => Promise<FetchOutcome>): Pick<TopicLog, 'fetch'> {
  return {
    fetch: ({ partition, from, signal: quit }: FetchRequest) =>
      partition === 0
        ? first()
        : new Promise((resolve, reject) => {
            quit?.addEventListener('abort', () => reject(new Error('quit')), { once: true })
            setTimeout(() => resolve({ kind: 'empty', end: from }), 10_000).unref()
          }),
  }
}

function news(first: () => Promise<FetchOutcome>): Promise<boolean> {
  const from = new Map([
    [0, 5n],
    [1, 7n],
  ])
  return waitForNews({ log: logOf(first), topic: 't', from, waitMs: 10_000, signal })
}

test('what only a person can clear is news of that partition: who reads it stops it, and no other', async () => {
  const damaged = new SluiceError('LOG_CORRUPT', 'the batch at offset 5 of t/0 is damaged')
  assert.equal(await news(() => Promise.reject(damaged)), true)
})

test('a place that is gone is news; a broker that is away is none', async () => {
  assert.equal(await news(async () => ({ kind: 'out_of_range', start: 9n, end: 12n })), true)
  const away = new SluiceError('LOG_UNAVAILABLE', 'the broker did not answer')
  await assert.rejects(
    news(() => Promise.reject(away)),
    { code: 'LOG_UNAVAILABLE' },
  )
})
