import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { openEmbeddedLog } from '../../src/adapters/embedded-log/embedded-log.ts'
import { openEmbeddedRegistry } from '../../src/adapters/registry/embedded-registry.ts'
import { createEncoder } from '../../src/contract/encode.ts'
import { frameRecord } from '../../src/contract/wire.ts'
import { rawRows } from '../support/raw-delta.ts'
import { makeLines, writeLines, type MadeLines } from '../support/retail-lines.ts'
import { REPOSITORY, sluice, sluiceJson, temporaryFolder, type Ended } from '../support/sluice.ts'

/** The process that stays, as an operator starts, watches, pauses, kills and ends it. */

const RETAIL = join(REPOSITORY, 'examples/online-retail/config.yaml')
const HANG = join(REPOSITORY, 'test/support/hang-links.ts')
const FAST = ['ingest.flush_age=500ms', 'jobs.build.every=1s', 'service.port=0'].flatMap((set) => ['--set', set])
/** What is read is held until the end, and each fetch is told. */
const HOLDING = ['--set', 'ingest.flush_age=1h', '--set', 'log.level=debug']
const FAST_SOURCE = ['--set', 'sources.order_lines.poll_interval=300ms']
const DAYS = 4

interface Up {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Events of its log so far. */
  readonly events: () => readonly Record<string, unknown>[]
}

interface Status {
  readonly lanes: readonly Part[]
  readonly sources: readonly (Part & { readonly source: string })[]
}
interface Part {
  readonly table: string
  readonly partition: number
  readonly state: string
  readonly code: string | null
  readonly pause_reason: string | null
  readonly next_command: string | null
  readonly lag: number
}

describe('up', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let made: MadeLines
  const started = new Set<ChildProcess>()
  before(async () => {
    folder = await temporaryFolder('up')
    made = makeLines(11, DAYS, 120)
  })
  after(async () => {
    for (const child of started) child.kill('SIGKILL')
    await folder.remove()
  })

  interface Project {
    readonly lake: string
    readonly data: string
    readonly args: readonly string[]
    readonly env: Record<string, string>
  }

  function retail(name: string): Project {
    const lake = join(folder.path, name, 'lake')
    const data = join(folder.path, name, 'data')
    return { lake, data, args: ['--config', RETAIL], env: { LAKE: lake, RETAIL_DATA: data } }
  }

  /** What the last that was started has logged. */
  let newest = (): string => ''

  /** Resolves once it says that it has begun. */
  async function start({ args, env }: Project, more: readonly string[], preload: readonly string[] = []): Promise<Up> {
    let child: ChildProcess | undefined
    let log = ''
    const ended = sluice(['up', ...args, ...FAST, ...more], {
      env,
      preload,
      started: (one) => {
        child = one
        started.add(one)
        one.stderr!.on('data', (text: string) => (log += text))
        one.on('exit', () => started.delete(one))
      },
    })
    newest = () => log
    const events = (): Record<string, unknown>[] =>
      log
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    const failed = ended.then((end): never => assert.fail(`up ended at once: ${end.code} ${end.stderr}`))
    await Promise.race([until('up has started', () => events().some(({ event }) => event === 'up.started')), failed])
    failed.catch(() => undefined)
    return { child: child!, ended, events }
  }

  async function end(up: Up): Promise<Ended> {
    up.child.kill('SIGTERM')
    const ended = await up.ended
    assert.equal(ended.code, 0, ended.stderr)
    return ended
  }

  async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (const startMs = performance.now(); performance.now() - startMs < 180_000; await sleep(150)) {
      if (await holds()) return
    }
    assert.fail(`never: ${what}\n${newest().slice(-20_000)}`)
  }

  const deliver = (project: Project, from: number, days: number): Promise<void> =>
    writeLines(project.data, new Map([...made.files].slice(from, from + days)))

  const goodOf = (days: number): number =>
    [...made.files.values()]
      .slice(0, days)
      .flat()
      .filter(({ customerId }) => customerId !== '').length

  async function count(project: Project, table: string): Promise<number> {
    const sql = 'select count(*)::int as n from rows'
    return rawRows(join(project.lake, table), sql).then(
      ([row]) => Number(row!['n']),
      () => 0,
    )
  }

  /** How many processes hold partitions now. */
  function holders(project: Project): number {
    const log = new DatabaseSync(join(`${project.lake}.state`, 'log/log.db'), { readOnly: true })
    try {
      const sql = `select count(distinct member) as n from leases where team = 'ingest/order_lines'`
      return Number(log.prepare(sql).get()!['n'])
    } finally {
      log.close()
    }
  }

  /** Records that its lane has read. */
  const held = (up: Up): number =>
    up.events().reduce((sum, { event, records }) => sum + (event === 'fetch.done' ? Number(records) : 0), 0)

  const status = async ({ args, env }: Project, exit = 0): Promise<Status> =>
    sluiceJson<Status>(['status', ...args], { env, exit })

  async function proveWhole(project: Project, rows: number): Promise<void> {
    const { args, env } = project
    assert.equal((await sluiceJson<{ ok: boolean }>(['verify', '--against-log', ...args], { env })).ok, true)
    const places = 'select count(*)::int as n, count(distinct (_partition, _offset))::int as places from rows'
    assert.deepEqual(await rawRows(join(project.lake, 'bronze/order_lines'), places), [{ n: rows, places: rows }])
  }

  it('files that are dropped while it is up reach bronze and gold; SIGTERM ends it with 0 and nothing left to do', async () => {
    const project = retail('straight')
    await deliver(project, 0, 1)
    const up = await start(project, FAST_SOURCE)
    await until('the first day is in bronze', async () => (await count(project, 'bronze/order_lines')) === goodOf(1))
    await deliver(project, 1, 2)
    await until('all days are in bronze', async () => (await count(project, 'bronze/order_lines')) === goodOf(3))
    const valued = goodOf(3)
    await until('and in gold', async () => (await count(project, 'gold/fact_sales')) === valued)
    assert.equal((await status(project)).sources[0]!.state, 'running')
    const url = String(up.events().find(({ event }) => event === 'up.started')!['url'])
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    assert.match(await (await fetch(`${url}/metrics`)).text(), /records_processed_total\{stage="ingest"/)
    await deliver(project, 3, 1)
    await until('the last day is read', () =>
      up.events().some(({ event, records }) => event === 'source.appended' && records === 120),
    )
    const { stderr } = await end(up)
    // Its stderr is logs alone.
    for (const line of stderr.trimEnd().split('\n')) assert.doesNotThrow(() => JSON.parse(line) as unknown, line)
    const run = await sluiceJson<{ tables: { read: number }[] }>(['run', ...project.args], { env: project.env })
    await proveWhole(project, goodOf(DAYS))
    const again = await sluiceJson<{ tables: { read: number }[]; models: { outcome: string }[] }>(
      ['run', ...project.args],
      { env: project.env },
    )
    assert.equal(again.tables[0]!.read, 0)
    assert.deepEqual(new Set(again.models.map(({ outcome }) => outcome)), new Set(['unchanged']))
    assert.ok(run.tables[0]!.read === 0 || run.tables[0]!.read === 120)
  })

  it('SIGTERM commits what is held before its flush age', async () => {
    const project = retail('drain')
    await deliver(project, 0, 2)
    const up = await start(project, [...FAST_SOURCE, ...HOLDING, '--only', 'connectors,ingest'])
    await until('all is read', async () => {
      const lags = (await status(project)).lanes.map(({ lag }) => lag)
      return lags.reduce((sum, lag) => sum + lag, 0) === 240
    })
    await until('the lane holds all', () => held(up) === 240)
    assert.equal(await count(project, 'bronze/order_lines'), 0)
    await end(up)
    await proveWhole(project, goodOf(2))
    const run = await sluiceJson<{ tables: { read: number }[] }>(['run', ...project.args], { env: project.env })
    assert.equal(run.tables[0]!.read, 0)
  })

  it('a store that hangs does not hold it past the grace time', async () => {
    const project = retail('hang')
    await deliver(project, 0, 1)
    const more = [...HOLDING, '--set', 'up.grace=2s', '--only', 'connectors,ingest']
    const up = await start(project, [...FAST_SOURCE, ...more], [HANG])
    await until('the lane holds it', () => held(up) === 120)
    const startMs = performance.now()
    await end(up)
    // Of a machine that is busy too; it would hang for ever.
    assert.ok(performance.now() - startMs < 30_000)
    const drained = up.events().find(({ event }) => event === 'up.drained')
    assert.deepEqual(drained?.['abandoned'], ['lane bronze.order_lines'])
    await sluiceJson(['run', ...project.args], { env: project.env })
    await proveWhole(project, goodOf(1))
  })

  it('a second signal ends it at once', async () => {
    const project = retail('second')
    await deliver(project, 0, 1)
    const more = [...HOLDING, '--only', 'connectors,ingest']
    const up = await start(project, [...FAST_SOURCE, ...more], [HANG])
    await until('the lane holds it', () => held(up) === 120)
    up.child.kill('SIGTERM')
    await until('it drains', () => up.events().some(({ event }) => event === 'up.draining'))
    // One that comes right behind the first is the same key press.
    await sleep(600)
    up.child.kill('SIGTERM')
    assert.equal((await up.ended).code, 143)
  })

  it('a source and a lane are paused and resumed; a pass leaves them alone and says so', async () => {
    const project = retail('pause')
    const { args, env } = project
    await deliver(project, 0, 1)
    const up = await start(project, [...FAST_SOURCE, '--only', 'connectors,ingest'])
    await until('the first day', async () => (await count(project, 'bronze/order_lines')) === goodOf(1))
    assert.equal((await sluice(['pause', 'bronze.order_lines', ...args], { env })).code, 2)
    assert.equal((await sluice(['pause', 'order_lines', '--reason', 'x', ...args], { env })).code, 2)
    await sluiceJson(['pause', 'bronze.order_lines', '--reason', 'moving the lake', ...args], { env })
    await until('the lane lets go', () =>
      up.events().some(({ event, kind }) => event === 'part.paused' && kind === 'lane'),
    )
    await sleep(500)
    await deliver(project, 1, 1)
    await until('the source goes on', () => up.events().filter(({ event }) => event === 'source.appended').length === 2)
    await sleep(1_500)
    assert.equal(await count(project, 'bronze/order_lines'), goodOf(1))
    const paused = await status(project)
    assert.deepEqual(
      [...new Set(paused.lanes.map((lane) => [lane.state, lane.pause_reason, lane.next_command].join()))],
      ['paused,moving the lake,sluice resume bronze.order_lines'],
    )
    assert.equal(paused.sources[0]!.state, 'running')
    const pass = await sluiceJson<{ tables: unknown[] }>(['ingest', ...args], { env })
    assert.deepEqual(pass.tables, [
      { table: 'bronze.order_lines', read: 0, landed: 0, quarantined: 0, skipped: 0, version: 0, paused: true },
    ])
    await sluiceJson(['pause', 'source.order_lines', '--reason', 'vendor', ...args], { env })
    await until('the source rests', () =>
      up.events().some(({ event, kind }) => event === 'part.paused' && kind === 'source'),
    )
    await sluiceJson(['resume', 'bronze.order_lines', ...args], { env })
    await until('the second day', async () => (await count(project, 'bronze/order_lines')) === goodOf(2))
    await deliver(project, 2, 1)
    await sleep(1_500)
    assert.equal(up.events().filter(({ event }) => event === 'source.appended').length, 2)
    const connect = await sluiceJson<{ sources: { outcome: string }[] }>(['connect', ...args], { env })
    assert.deepEqual(
      connect.sources.map(({ outcome }) => outcome),
      ['paused'],
    )
    await sluiceJson(['resume', 'source.order_lines', ...args], { env })
    await until('the third day', async () => (await count(project, 'bronze/order_lines')) === goodOf(3))
    // A pass beside it comes to its end.
    await sluiceJson(['run', ...args], { env })
    await end(up)
    await proveWhole(project, goodOf(3))
  })

  it('two share a lake by parts and partitions; one is killed, the other takes over, nothing is lost or doubled', async () => {
    const project = retail('two')
    await deliver(project, 0, 1)
    const all = await start(project, [...FAST_SOURCE, '--only', 'connectors,ingest'])
    const lanes = await start(project, ['--only', 'ingest,jobs'])
    await until('the first day', async () => (await count(project, 'bronze/order_lines')) === goodOf(1))
    await until('both hold partitions', () => holders(project) === 2)
    await deliver(project, 1, 1)
    await until('both commit', async () => {
      const commits = (up: Up): boolean => up.events().some(({ event }) => event === 'flush.done')
      return (await count(project, 'bronze/order_lines')) === goodOf(2) && commits(all) && commits(lanes)
    })
    await deliver(project, 2, 1)
    await until(
      'the third day is in the log',
      () => all.events().filter(({ event }) => event === 'source.appended').length === 3,
    )
    all.child.kill('SIGKILL')
    await all.ended
    await until('the other takes over', async () => (await count(project, 'bronze/order_lines')) === goodOf(3))
    const third = await start(project, [...FAST_SOURCE, '--only', 'connectors'])
    await deliver(project, 3, 1)
    await until('the last day', async () => (await count(project, 'bronze/order_lines')) === goodOf(4))
    await until('gold follows', async () => (await count(project, 'gold/fact_sales')) === goodOf(4))
    await end(third)
    await end(lanes)
    await proveWhole(project, goodOf(4))
  })

  it('rows are judged by the part that ingests; what is blocked stays unread by the part that builds, till it is let pass', async () => {
    const project = retail('gates')
    const dq = join(folder.path, 'gates-dq.yaml')
    const suite = 'bronze.order_lines:\n  critical:\n    - expect_table_row_count_to_be_between: {min_value: 100000}\n'
    await writeFile(dq, suite)
    const held = ['--set', `paths.dq=${dq}`]
    const gated: Project = { ...project, args: [...project.args, ...held] }
    await deliver(project, 0, 1)
    const lanes = await start(gated, [...FAST_SOURCE, '--only', 'connectors,ingest'])
    await until('it is judged after its commit', () =>
      lanes
        .events()
        .some(
          ({ event, model, outcome }) =>
            event === 'gate.judged' && model === 'bronze.order_lines' && outcome === 'blocked',
        ),
    )
    const jobs = await start(gated, ['--only', 'jobs'])
    await until('the build is blocked', () =>
      jobs
        .events()
        .some(
          ({ event, model, code }) =>
            event === 'model.failed' && model === 'silver.order_lines' && code === 'GATE_BLOCKED',
        ),
    )
    await deliver(project, 1, 1)
    await until('ingest goes on', async () => (await count(project, 'bronze/order_lines')) === goodOf(2))
    assert.equal(await count(project, 'silver/order_lines'), 0)
    const stopped = await sluiceJson<{
      models: (Part & { model: string })[]
      gates: { table: string; outcome: string; next_command: string }[]
    }>(['status', ...gated.args], { env: gated.env, exit: 6 })
    assert.deepEqual(
      stopped.gates.map(({ table, outcome, next_command }) => [table, outcome, next_command]),
      [['bronze.order_lines', 'blocked', 'sluice gate bronze.order_lines']],
    )
    const silver = stopped.models.find(({ model }) => model === 'silver.order_lines')
    assert.deepEqual(
      [silver?.state, silver?.code, silver?.next_command],
      ['stopped', 'GATE_BLOCKED', 'sluice gate bronze.order_lines'],
    )
    await until('all that landed is judged', async () => {
      const { gates } = await sluiceJson<{ gates: { unjudged: boolean }[] }>(['status', ...gated.args], {
        env: gated.env,
        exit: 6,
      })
      return gates.every(({ unjudged }) => !unjudged)
    })
    await sluiceJson(
      [
        'gate',
        'bronze.order_lines',
        '--bypass',
        'expect_table_row_count_to_be_between',
        '--reason',
        'a quiet day',
        ...gated.args,
      ],
      { env: gated.env },
    )
    await until('silver follows', async () => (await count(project, 'silver/order_lines')) > 0)
    await end(lanes)
    await end(jobs)
    await proveWhole(project, goodOf(2))
  })

  it('I8: a lane that stops leaves the others running; status says what to do, and done it goes on', async () => {
    const root = join(folder.path, 'stops')
    await mkdir(join(root, 'schemas'), { recursive: true })
    const text = (fields: readonly object[]): string => JSON.stringify({ type: 'record', name: 'R', fields })
    const narrow = text([{ name: 'id', type: 'string' }])
    const wide = text([
      { name: 'id', type: 'string' },
      { name: 'note', type: ['null', 'string'], default: null },
    ])
    for (const name of ['a', 'b']) await writeFile(join(root, `schemas/${name}-value.avsc`), narrow)
    const file = join(root, 'sluice.yaml')
    await writeFile(
      file,
      'lake: {uri: lake}\ntopics: {a: {partitions: 2}, b: {}}\ntables: {bronze: {a: {topic: a}, b: {topic: b}}}\n',
    )
    const project: Project = { lake: join(root, 'lake'), data: '', args: ['--config', file], env: {} }
    const up = await start(project, [])
    const log = await openEmbeddedLog({ dir: join(root, '.sluice/log'), clock: systemClock })
    const open = (dir: string) =>
      openEmbeddedRegistry({ dir: join(root, dir), clock: systemClock, compatible: () => [] })
    const registry = await open('.sluice/registry')
    const elsewhere = await open('elsewhere')
    try {
      const schema = (await registry.latest('a-value'))!
      const later = await elsewhere.register('a-value', { format: 'avro', text: wide })
      const encode = (id: string, by = schema): Uint8Array => {
        const encoded = createEncoder(by).encode(['id'], [id], true)
        assert.equal(encoded.kind, 'encoded')
        return encoded.kind === 'encoded' ? encoded.bytes : frameRecord(0, new Uint8Array())
      }
      const produce = (topic: string, partition: number, values: readonly Uint8Array[]): Promise<unknown> =>
        log.append({
          state: null,
          batches: [
            {
              topic,
              partition,
              records: values.map((value) => ({ key: null, value, headers: [], timestampMs: Date.now() })),
            },
          ],
        })
      await produce('a', 0, [encode('1'), encode('2', later), encode('3')])
      await produce('a', 1, [encode('4')])
      await until('it stops', () => up.events().some(({ event }) => event === 'lane.stopped'))
      await produce('a', 1, [encode('5')])
      await produce('b', 0, [encode('6')])
      await until('a goes on', async () => (await count(project, 'bronze/a')) === 3)
      await until('b goes on', async () => (await count(project, 'bronze/b')) === 1)
      const stopped = await status(project, 6)
      assert.deepEqual(
        stopped.lanes.map(({ table, partition, state, code, next_command }) => [
          table,
          partition,
          state,
          code,
          next_command,
        ]),
        [
          ['bronze.a', 0, 'stopped', 'SCHEMA_ID_UNKNOWN', 'sluice contract register'],
          ['bronze.a', 1, 'running', null, null],
          ['bronze.b', 0, 'running', null, null],
        ],
      )
      // A pass beside it is not held up by what stopped.
      const pass = await sluice(['ingest', ...project.args], {})
      assert.equal(pass.code, 6)
      assert.match(pass.stderr, /SCHEMA_ID_UNKNOWN/)
      await writeFile(join(root, 'schemas/a-value.avsc'), wide)
      await sluiceJson(['contract', 'register', ...project.args])
      await sluiceJson(['resume', 'bronze.a', ...project.args])
      await until('it goes on', async () => (await count(project, 'bronze/a')) === 5)
      await until('status is clean', async () =>
        (await status(project)).lanes.every(({ state }) => state === 'running'),
      )
    } finally {
      await elsewhere.close()
      await registry.close()
      await log.close()
    }
    await end(up)
    const proof = await sluiceJson<{ ok: boolean }>(['verify', ...project.args])
    assert.equal(proof.ok, true)
  })

  it('takes only parts that it has', async () => {
    const ended = await sluice(['up', '--config', RETAIL, '--only', 'connectors,ingets'], { env: retail('x').env })
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /"ingets".*ingest/)
  })
})
