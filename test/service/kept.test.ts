import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepFor } from '../../src/service/kept.ts'

test('of callers within the time one does the work, also while it is being done', async () => {
  let nowMs = 0
  let calls = 0
  const ask = keepFor({ nowMs: () => nowMs }, 100, async () => (calls += 1))
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1])
  nowMs = 99
  assert.equal(await ask(), 1)
  nowMs = 100
  assert.equal(await ask(), 2)
})

test('a failure reaches all who waited and is not kept', async () => {
  let calls = 0
  const ask = keepFor({ nowMs: () => 0 }, 100, async () => {
    calls += 1
    if (calls === 1) throw new Error('once')
    return calls
  })
  const both = await Promise.allSettled([ask(), ask()])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await ask(), 2)
})
