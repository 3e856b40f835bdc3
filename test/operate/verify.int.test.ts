import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../src/adapters/clock/system-clock.ts'
import { rowIdOfLog } from '../../src/error-lane/row-id.ts'
import { runIngest } from '../../src/ingest/run-ingest.ts'
import { verifyTable } from '../../src/operate/verify.ts'
import { laneLines, order, orders, produce, registerOrders } from '../support/orders.ts'
import { activeFiles, duckdbRows } from '../support/raw-delta.ts'
import { sluice, temporaryFolder } from '../support/sluice.ts'
import { openTestWorld, type TestWorld } from '../support/world.ts'

/** What is done here is done behind Sluice's back: files are rewritten in place, and only then is it asked. */

interface Proof {
  readonly ok: boolean
  readonly tables: readonly {
    readonly table: string
    readonly partitions: readonly (Record<string, unknown> & { readonly partition: number })[]
  }[]
}

const GOOD = 10

describe('verify', () => {
  let root: Awaited<ReturnType<typeof temporaryFolder>>
  let folder: string
  let world: TestWorld
  let count = 0
  before(async () => {
    root = await temporaryFolder('verify')
  })
  after(() => root.remove())

  /** Two partitions: offsets 0 to 9 land, 10 and 11 are refused, 12 lands. */
  beforeEach(async () => {
    count += 1
    folder = join(root.path, String(count))
    world = await openTestWorld({ folder })
    const schema = await registerOrders(world)
    for (const partition of [0, 1]) {
      const bad = [order(schema, { id: 'x', n: -1 }), order(schema, { id: 'y', n: -2 })]
      await produce(world, [...orders(schema, GOOD), ...bad, ...orders(schema, 1, 99)], { partitions: 2, partition })
    }
    await ingest()
    await writeFile(
      join(folder, 'sluice.yaml'),
      [
        'lake: {uri: lake}',
        'broker: {kind: embedded, dir: log}',
        'registry: {kind: embedded, dir: registry}',
        'topics: {orders: {partitions: 2}}',
        'tables: {bronze: {orders: {topic: orders}}}',
        '',
      ].join('\n'),
    )
  })
  afterEach(() => world.close())

  const table = (): string => join(folder, 'lake/bronze/orders')
  const lane = (): string => join(folder, 'lake/_errors/bronze/orders')
  const ingest = () => runIngest(world, [...world.settings.tables.values()])

  async function verify(exit: number, ...flags: string[]): Promise<Proof> {
    const ended = await sluice(['verify', '--json', '--config', join(folder, 'sluice.yaml'), ...flags])
    assert.equal(ended.code, exit, ended.stdout + ended.stderr)
    const proof = JSON.parse(ended.stdout) as Proof
    assert.equal(proof.ok, exit === 0)
    return proof
  }
  /** What is at fault, by partition. */
  const faults = (proof: Proof): Record<string, unknown> =>
    Object.fromEntries(
      proof.tables[0]!.partitions.map((each) => [
        each.partition,
        Object.fromEntries(
          ['missing', 'doubled', 'landed_in_skip', 'beyond', 'live_in_skip']
            .filter((name) => (each[name] as unknown[]).length > 0)
            .map((name) => [name, each[name]]),
        ),
      ]),
    )

  /** Writes the data file that holds a place again, from other rows, under the path that the log knows. */
  async function rewrite(
    partition: number,
    offset: number,
    rows: (file: string, place: string) => string,
  ): Promise<void> {
    const place = `(_partition = ${partition} and _offset = ${offset})`
    for (const file of await activeFiles(table())) {
      const source = `read_parquet('${file}', hive_partitioning = false)`
      const [found] = await duckdbRows(`select count(*)::int as n from ${source} where ${place}`)
      if (found?.['n'] === 0) continue
      await duckdbRows(`copy (${rows(source, place)}) to '${file}.other' (format parquet)`)
      await rename(`${file}.other`, file)
      return
    }
    assert.fail(`no file holds ${place}`)
  }
  const deleteRow = (partition: number, offset: number): Promise<void> =>
    rewrite(partition, offset, (file, place) => `select * from ${file} where not ${place}`)
  const doubleRow = (partition: number, offset: number): Promise<void> =>
    rewrite(
      partition,
      offset,
      (file, place) => `select * from ${file} union all by name select * from ${file} where ${place}`,
    )

  async function editLetters(edit: (lines: string[]) => string[]): Promise<void> {
    for (const entry of await readdir(lane(), { recursive: true })) {
      if (!entry.startsWith('dt=') || !entry.endsWith('.json')) continue
      const lines = (await readFile(join(lane(), entry), 'utf8')).trimEnd().split('\n')
      const kept = edit(lines)
      if (kept.length === 0) await rm(join(lane(), entry))
      else await writeFile(join(lane(), entry), `${kept.join('\n')}\n`)
    }
  }
  const dropLetter = (partition: number, offset: number): Promise<void> =>
    editLetters((lines) =>
      lines.filter((line) => {
        const letter = JSON.parse(line) as { partition: number; offset: string }
        return letter.partition !== partition || letter.offset !== String(offset)
      }),
    )
  async function addSkip(skip: { partition: number; first: string; next: string; reason: string }): Promise<void> {
    await mkdir(join(lane(), '_skips'), { recursive: true })
    await writeFile(
      join(lane(), '_skips/by-hand.json'),
      `${JSON.stringify({ topic: 'orders', epoch: 0, run_id: 'by-hand', ...skip })}\n`,
    )
  }

  it('I17: an untouched table is proven whole, with its figures', async () => {
    const proof = await verify(0, '--against-log')
    assert.deepEqual(
      proof.tables[0]!.partitions.map((each) => [
        each['first'],
        each['next'],
        each['landed'],
        each['quarantined'],
        each['skipped'],
      ]),
      [
        ['0', '13', 11, 2, 0],
        ['0', '13', 11, 2, 0],
      ],
    )
    assert.deepEqual(faults(proof), { 0: {}, 1: {} })
  })

  it('I17: one row deleted behind its back is named', async () => {
    await deleteRow(1, 7)
    assert.deepEqual(faults(await verify(1)), { 0: {}, 1: { missing: [['7', '8']] } })
  })

  it('I17: one row doubled behind its back is named', async () => {
    await doubleRow(0, 3)
    assert.deepEqual(faults(await verify(1)), { 0: { doubled: [['3', '4']] }, 1: {} })
  })

  it('I17: one dead letter removed behind its back is named', async () => {
    await dropLetter(1, 11)
    assert.deepEqual(faults(await verify(1)), { 0: {}, 1: { missing: [['11', '12']] } })
  })

  it('I17: several faults at once are all named, and text says the same', async () => {
    await deleteRow(0, 0)
    await deleteRow(0, 1)
    await doubleRow(1, 12)
    await dropLetter(0, 10)
    assert.deepEqual(faults(await verify(1)), {
      0: {
        missing: [
          ['0', '2'],
          ['10', '11'],
        ],
      },
      1: { doubled: [['12', '13']] },
    })
    const { code, stdout } = await sluice(['verify', 'bronze.orders', '--config', join(folder, 'sluice.yaml')])
    assert.equal(code, 1)
    assert.match(stdout, /orders\/0 epoch 0: missing \[0,2\) 10/)
    assert.match(stdout, /orders\/1 epoch 0: doubled 12/)
  })

  it('I17: a row at or after the position is named: the next flush would land it again', async () => {
    await rewrite(
      1,
      12,
      (file, place) => `select * replace (case when ${place} then 40 else _offset end as _offset) from ${file}`,
    )
    assert.deepEqual(faults(await verify(1)), { 0: {}, 1: { missing: [['12', '13']], beyond: [['40', '41']] } })
  })

  it('I4: phantom letters, of a record that landed or of one not yet read, are no failure', async () => {
    await editLetters((lines) => [
      ...lines,
      ...[3, 500].map((offset) =>
        JSON.stringify({
          ...(JSON.parse(lines[0]!) as object),
          partition: 0,
          offset: String(offset),
          row_id: rowIdOfLog({ topic: 'orders', partition: 0, epoch: 0, offset: BigInt(offset) }),
        }),
      ),
    ])
    const proof = await verify(0)
    assert.equal((await laneLines(join(folder, 'lake'))).length, 6)
    assert.deepEqual(
      proof.tables[0]!.partitions.map((each) => [each['quarantined'], each['phantoms']]),
      [
        [2, 2],
        [2, 0],
      ],
    )
  })

  it('I17: a skip over a row that landed fails; a skip instead of a letter holds', async () => {
    await dropLetter(0, 10)
    await addSkip({ partition: 0, first: '10', next: '11', reason: 'erased' })
    await verify(0)
    await addSkip({ partition: 0, first: '9', next: '11', reason: 'erased' })
    assert.deepEqual(faults(await verify(1)), { 0: { landed_in_skip: [['9', '10']] }, 1: {} })
  })

  for (const reason of ['compacted', 'aborted', 'control', 'start']) {
    it(`I17: --against-log finds a live record inside a false skip (${reason})`, async () => {
      await dropLetter(1, 10)
      await addSkip({ partition: 1, first: '10', next: '11', reason })
      await verify(0)
      assert.deepEqual(faults(await verify(1, '--against-log')), { 0: {}, 1: { live_in_skip: [['10', '11']] } })
    })
  }

  it('I17: --against-log looks at the part of a skip that the log still holds', async () => {
    const below = join(folder, 'aged')
    let addedMs = 0
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + addedMs }
    const aged = await openTestWorld({ folder: below, clock })
    try {
      const schema = await registerOrders(aged)
      await produce(aged, orders(schema, 5), { retentionMs: 60_000 })
      addedMs += 120_000
      await produce(aged, [order(schema, { id: 'x', n: -1 }), ...orders(schema, 1)])
      const settings = aged.settings.tables.get('orders')!
      await runIngest(aged, [settings])
      const skips = join(below, 'lake/_errors/bronze/orders/_skips')
      const [file] = await readdir(skips)
      const line = await readFile(join(skips, file!), 'utf8')
      assert.match(line, /"first":"0","next":"5"/)
      await writeFile(join(skips, file!), line.replace('"next":"5"', '"next":"6"'))
      for (const entry of await readdir(join(below, 'lake/_errors/bronze/orders')))
        if (entry.startsWith('dt=')) await rm(join(below, 'lake/_errors/bronze/orders', entry), { recursive: true })
      assert.equal((await verifyTable(aged, settings, { againstLog: false })).ok, true)
      const proof = await verifyTable(aged, settings, { againstLog: true })
      assert.deepEqual([proof.ok, proof.partitions[0]?.liveInSkip], [false, [{ first: 5n, next: 6n }]])
    } finally {
      await aged.close()
    }
  })

  it('I17: --against-log asks nothing of a log that was made again since', async () => {
    await dropLetter(1, 10)
    await addSkip({ partition: 1, first: '10', next: '11', reason: 'compacted' })
    await world.embedded.deleteTopic('orders')
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 20), { partitions: 2, partition: 1 })
    await verify(0, '--against-log')
  })

  it('a data file that is gone stops verify loudly', async () => {
    for (const file of await activeFiles(table())) await rm(file)
    const { code, stdout } = await sluice(['verify', '--json', '--config', join(folder, 'sluice.yaml')])
    assert.equal(code, 6)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'TABLE_FILES_MISSING')
  })

  it('a letter file that was damaged stops verify loudly, naming file and line', async () => {
    await editLetters((lines) => [lines[0]!, lines[1]!.slice(0, 40)])
    const { code, stdout } = await sluice(['verify', '--json', '--config', join(folder, 'sluice.yaml')])
    assert.equal(code, 6)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'LETTERS_UNREADABLE')
  })
})
