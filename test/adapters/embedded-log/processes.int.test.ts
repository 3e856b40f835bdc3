import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/adapters/embedded-log/embedded-log.ts'
import { recordValue } from '../../../src/domain/record-batch.ts'
import { systemClock } from './system-clock.ts'

interface Child {
  readonly process: ChildProcess
  /** Whole lines that it has printed. */
  lines(): string[]
  readonly exited: Promise<void>
}

function start(t: TestContext, script: string, args: readonly string[]): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  const exited = new Promise<void>((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL' && err === '') resolve()
      else reject(new Error(`${script} ended with ${code ?? signal}: ${err}`))
    })
  })
  exited.catch(() => undefined)
  return { process: child, lines: () => out.split('\n').slice(0, -1), exited }
}

async function until(condition: () => boolean, child: Child): Promise<void> {
  for (let i = 0; i < 3000 && !condition(); i += 1) {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 10)), child.exited])
    if (child.process.exitCode !== null) await child.exited
  }
  assert.ok(condition(), 'the process did not get there within 30 s')
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-log-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Each append of the partition as "source sequence count", after checking that it is there whole and unbroken. */
async function wholeAppends(log: EmbeddedLog, partition: number): Promise<string[]> {
  const appends: string[] = []
  let from = 0n
  let left = 0
  for (;;) {
    const outcome = await log.fetch({ topic: 'orders', partition, from, maxBytes: 4e6, waitMs: 0 })
    if (outcome.kind === 'empty') break
    assert.ok(outcome.kind === 'batches')
    for (const batch of outcome.batches) {
      for (let i = 0; i < batch.count; i += 1) {
        const [source, sequence, index, count] = Buffer.from(recordValue(batch, i)!).toString().split(' ')
        if (left === 0) {
          appends.push(`${source} ${sequence} ${count}`)
          left = Number(count)
        }
        assert.equal(`${source} ${sequence} ${count}`, appends.at(-1))
        assert.equal(Number(index), Number(count) - left)
        left -= 1
      }
      from = batch.next
    }
  }
  assert.equal(left, 0, 'the last append is whole')
  return appends
}

test('I9 what was acknowledged before kill -9 is there, whole, with its source state, and nothing half', async (t) => {
  const dir = await folder(t)
  const seed = Number(process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 1e6))
  t.diagnostic(`seed ${seed}`)
  const acknowledged: string[] = []
  for (let round = 0; round < 4; round += 1) {
    const child = start(t, 'append-loop.ts', [dir, 'files'])
    await until(() => child.lines().length > 2, child)
    await new Promise((resolve) => setTimeout(resolve, (seed * (round + 7)) % 150))
    child.process.kill('SIGKILL')
    await child.exited
    acknowledged.push(...child.lines().map((line) => `files ${line}`))

    const log = await openEmbeddedLog({ dir, clock: systemClock })
    const [left, right] = [await wholeAppends(log, 0), await wholeAppends(log, 1)]
    assert.deepEqual(left, right, 'both partitions or neither')
    const { sequence, entries } = await log.sourceState('files')
    assert.equal(BigInt(left.length), sequence)
    assert.equal(entries.get('at'), String(sequence - 1n))
    assert.deepEqual(
      left.map((line) => Number(line.split(' ')[1])),
      left.map((_, i) => i),
    )
    // A reply may be lost with its process: the log may hold one more a round than was printed, never fewer.
    const held = new Set(left)
    assert.deepEqual(
      acknowledged.filter((line) => !held.has(line)),
      [],
    )
    assert.ok(left.length - acknowledged.length <= round + 1)
    await log.close()
  }
})

test('I9 of four processes that race on one source exactly one wins each sequence', async (t) => {
  const dir = await folder(t)
  const children = [0, 1, 2, 3].map(() => start(t, 'append-loop.ts', [dir, 'shared']))
  for (const child of children) await until(() => child.lines().length > 4, child)
  for (const child of children) child.process.kill('SIGKILL')
  for (const child of children) await child.exited
  const won = children.flatMap((child) => child.lines().map((line) => `shared ${line}`))
  assert.equal(new Set(won).size, won.length, 'no sequence was won twice')
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  t.after(() => log.close())
  const appends = await wholeAppends(log, 0)
  assert.deepEqual(await wholeAppends(log, 1), appends)
  assert.deepEqual(
    appends.map((line) => Number(line.split(' ')[1])),
    appends.map((_, i) => i),
  )
  assert.deepEqual(
    won.filter((line) => !new Set(appends).has(line)),
    [],
  )
})

test('the leases of a process that was killed are taken over by the next poll', async (t) => {
  const dir = await folder(t)
  const child = start(t, 'hold-lease.ts', [dir])
  await until(() => child.lines().length > 0, child)
  assert.deepEqual(child.lines(), ['3'])
  const log = await openEmbeddedLog({ dir, clock: systemClock })
  t.after(() => log.close())
  const member = await log.join('g', ['r0', 'r1', 'r2'])
  assert.equal((await member.poll()).size, 0)
  child.process.kill('SIGKILL')
  await child.exited
  assert.equal((await member.poll()).size, 3)
})
