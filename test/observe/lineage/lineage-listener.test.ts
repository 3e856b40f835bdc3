import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainEvent } from '../../../src/domain/events.ts'
import type { Settings } from '../../../src/domain/settings.ts'
import { createLineageListener, type LineageListener } from '../../../src/observe/lineage/lineage-listener.ts'

const SETTINGS = { lake: { uri: '/lake' }, broker: { dir: '/log' }, sources: new Map() } as unknown as Settings
const IDS = { runId: '00000000-0000-4000-8000-000000000001', traceId: 't', jobName: 'run' }
const START: DomainEvent = { ...IDS, type: 'run.started', verb: 'run' }
const END: DomainEvent = { ...IDS, type: 'run.ended', verb: 'run', exitCode: 0, ms: 1 }

/** Sleeps end at once, but for the one that `close` waits by: that one waits for its signal or `late`. */
function listen(
  send: (events: readonly string[], signal: AbortSignal) => Promise<void>,
  late: Promise<void> = new Promise(() => undefined),
): { readonly listener: LineageListener; readonly losses: [number, string][] } {
  const losses: [number, string][] = []
  const listener = createLineageListener({
    settings: SETTINGS,
    namespace: 'sluice',
    transport: { send },
    clock: {
      nowMs: () => 0,
      newId: () => IDS.runId,
      sleep: (ms, signal) =>
        ms < 5_000
          ? Promise.resolve()
          : Promise.race([
              late,
              new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))),
            ]),
    },
    onLoss: (lost, why) => losses.push([lost, why]),
  })
  return { listener, losses }
}

test('events arrive in order, and close waits for the last of them', async () => {
  const sent: string[] = []
  const { listener, losses } = listen(async (events) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    sent.push(...events.map((event) => (JSON.parse(event) as { eventType: string }).eventType))
  })
  listener.emit(START)
  listener.emit(END)
  await listener.close()
  assert.deepEqual([sent, losses], [['START', 'COMPLETE'], []])
})

test('a collector that fails is tried again, then its events are given up; nothing is thrown', async () => {
  let calls = 0
  const { listener, losses } = listen(async () => {
    calls += 1
    throw new Error('no route')
  })
  listener.emit(START)
  await listener.close()
  assert.deepEqual([calls, losses], [3, [[1, 'no route']]])
})

test('a collector that fails once misses nothing', async () => {
  let calls = 0
  const sent: string[] = []
  const { listener, losses } = listen(async (events) => {
    calls += 1
    if (calls === 1) throw new Error('once')
    sent.push(...events)
  })
  listener.emit(START)
  await listener.close()
  assert.deepEqual([sent.length, losses], [1, []])
})

test('a collector that hangs holds close for its grace, no longer, and memory by the queue, no more', async () => {
  let cut!: () => void
  const late = new Promise<void>((resolve) => (cut = resolve))
  const { listener, losses } = listen(
    (_events, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut')))),
    late,
  )
  for (let i = 0; i < 6_000; i += 1) {
    listener.emit(START)
    listener.emit(END)
  }
  assert.equal(losses[0]?.[1], 'the queue is full')
  const closing = listener.close()
  cut()
  await closing
  assert.equal(
    losses.reduce((sum, [lost]) => sum + lost, 0),
    12_000,
  )
})

test('what cannot be sent is said at most once a minute, and once at the end', async () => {
  const { listener, losses } = listen(async () => {
    throw new Error('down')
  })
  for (let i = 0; i < 300; i += 1) listener.emit(START)
  await listener.close()
  assert.deepEqual(
    losses.map(([, why]) => why),
    ['down', 'down'],
  )
  assert.equal(
    losses.reduce((sum, [lost]) => sum + lost, 0),
    300,
  )
})
