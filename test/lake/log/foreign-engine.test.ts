import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CommitFact } from '../../../src/lake/commit.ts'
import { MemoryStore } from '../../conformance/memory-store.ts'
import { commit, step } from '../table-steps.ts'

const SPARK = 'Apache-Spark/4.0.1 Delta-Lake/4.0.0'

/** What we are told when another engine takes the version that we wanted. */
async function factsAfter(engineInfo: string): Promise<readonly CommitFact[]> {
  const store = new MemoryStore()
  const snapshot = await step(store, null)
  const entry = {
    commitInfo: { timestamp: 1_700_000_000_001, operation: 'WRITE', operationParameters: {}, engineInfo },
  }
  await store.putIfAbsent('_delta_log/00000000000000000001.json', Buffer.from(`${JSON.stringify(entry)}\n`))
  const facts: CommitFact[] = []
  const outcome = await commit(store, snapshot, { onEvent: (fact) => facts.push(fact) })
  assert.deepEqual(outcome, { kind: 'committed', version: 2 })
  return facts
}

describe('an engine that cannot share a log', () => {
  it('is named when it writes at the same time as we, and the commit stands', async () => {
    const warnings = (await factsAfter(SPARK)).filter(({ type }) => type === 'warning')
    assert.equal(warnings.length, 1)
    assert.match(JSON.stringify(warnings[0]), /Apache-Spark\/4\.0\.1 .* wrote version 1 .*at the same time/)
  })

  it('is not one that puts if absent', async () => {
    for (const engine of ['delta-rs:1.6.6', 'Sluice', 'Kernel-Rust', 'Trino'])
      assert.ok(
        (await factsAfter(engine)).every(({ type }) => type !== 'warning'),
        engine,
      )
  })
})
