import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import { LEASE_MS } from '../../../src/adapters/embedded-log/leases.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import { assignmentConformance } from '../../conformance/assignment.ts'
import { manualClock } from './manual-clock.ts'
import { systemClock } from './system-clock.ts'

assignmentConformance('the embedded log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-leases-'))
  const opened: EmbeddedLog[] = []
  const another = async (): Promise<EmbeddedLog> => {
    const log = await openEmbeddedLog({ dir, clock: systemClock })
    opened.push(log)
    return log
  }
  return {
    assignment: await another(),
    another,
    cleanup: async () => {
      for (const log of opened) await log.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
})

async function openAt(t: TestContext, clock: Clock): Promise<{ log: EmbeddedLog; db: DatabaseSync }> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-leases-'))
  const log = await openEmbeddedLog({ dir, clock })
  const db = new DatabaseSync(join(dir, 'log.db'))
  t.after(async () => {
    db.close()
    await log.close()
    await rm(dir, { recursive: true, force: true })
  })
  return { log, db }
}

test('a member that is silent for longer than its lease loses it, and takes part again when it is back', async (t) => {
  const clock = manualClock()
  const { log } = await openAt(t, clock)
  const a = await log.join('g', ['r0', 'r1'])
  assert.equal((await a.poll()).size, 2)
  const b = await log.join('g', ['r0', 'r1'])
  clock.advance(LEASE_MS - 1)
  assert.equal((await b.poll()).size, 0)
  clock.advance(2)
  assert.deepEqual(await b.poll(), new Set(['r0', 'r1']))
  assert.equal((await a.poll()).size, 0)
  assert.equal((await b.poll()).size, 1)
  assert.equal((await a.poll()).size, 1)
})

test('a poll is a sign of life: a member that polls keeps what it holds for as long as it likes', async (t) => {
  const clock = manualClock()
  const { log } = await openAt(t, clock)
  const a = await log.join('g', ['r0'])
  const b = await log.join('g', ['r0'])
  await a.poll()
  for (let i = 0; i < 10; i += 1) {
    clock.advance(LEASE_MS / 2)
    assert.deepEqual(await a.poll(), new Set(['r0']))
    assert.equal((await b.poll()).size, 0)
  }
})

for (const [what, change] of [
  ['whose process number is no longer given', `pid = 2147483646`],
  ['whose process number was given to a later process', `started = '1'`],
] as const) {
  test(`a member ${what} loses its leases at once`, { skip: noProc(what) }, async (t) => {
    const { log, db } = await openAt(t, manualClock())
    const a = await log.join('g', ['r0', 'r1'])
    await a.poll()
    const b = await log.join('g', ['r0', 'r1'])
    assert.equal((await b.poll()).size, 0)
    db.exec(`update members set ${change} where member in (select member from leases)`)
    assert.equal((await b.poll()).size, 2)
  })
}

test('a process of another host is never taken for gone while it shows signs of life', async (t) => {
  const { log, db } = await openAt(t, manualClock())
  const a = await log.join('g', ['r0'])
  await a.poll()
  const b = await log.join('g', ['r0'])
  db.exec(`update members set pid = 2147483646, host = 'elsewhere' where member in (select member from leases)`)
  assert.equal((await b.poll()).size, 0)
})

function noProc(what: string): string | false {
  return what.includes('later') && process.platform !== 'linux'
    ? 'the system does not tell when a process began'
    : false
}
