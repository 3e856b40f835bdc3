import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sluice, sluiceJson, temporaryFolder } from '../../../support/sluice.ts'

/** `table restore` and `build --as-of` as a user meets them, on a project that `init` made. */

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let cwd = ''
const ROWS = 'select order_id, amount from silver.orders order by 1'

before(async () => {
  folder = await temporaryFolder('repair')
  assert.equal((await sluice(['init', 'shop'], { cwd: folder.path })).code, 0)
  cwd = join(folder.path, 'shop')
  await sluiceJson(['run'], { cwd })
  const more =
    'order_id,ordered_at,customer,city,status,amount\n1001,2026-02-01T00:00:00Z,K-17,Oslo,returned,1.00\n2001,2026-02-02T00:00:00Z,K-17,Oslo,placed,2.00\n'
  await writeFile(join(cwd, 'data/more.csv'), more)
  await sluiceJson(['run'], { cwd })
})
after(() => folder.remove())

interface Restored {
  readonly outcome: string
  readonly restored_version: number
  readonly version: number
  readonly files_added: number
  readonly files_removed: number
  readonly positions: readonly {
    readonly topic: string
    readonly from: string
    readonly to: string
    readonly gone: unknown[]
  }[]
  readonly ok: boolean | null
}
const rows = () => sluiceJson<{ order_id: number }[]>(['query', ROWS], { cwd })

test('a restore is asked for, told before it is done, done in one commit, and the next run catches up', async () => {
  const before = await rows()
  assert.equal(before.length, 13)
  const args = ['table', 'restore', 'bronze.orders', '--to-version', '0']
  assert.equal((await sluice(args, { cwd })).code, 2)
  const planned = await sluiceJson<Restored>([...args, '--dry-run'], { cwd })
  assert.deepEqual([planned.outcome, planned.version, planned.files_removed, planned.ok], ['planned', 1, 1, null])
  const restored = await sluiceJson<Restored>([...args, '--yes'], { cwd })
  assert.deepEqual(
    [
      restored.outcome,
      restored.restored_version,
      restored.version,
      restored.files_added,
      restored.files_removed,
      restored.ok,
    ],
    ['restored', 0, 2, 0, 1, true],
  )
  const moved = restored.positions.reduce((sum, { from, to }) => sum + BigInt(from) - BigInt(to), 0n)
  assert.equal(moved, 2n)
  assert.equal((await sluiceJson<Restored>([...args, '--yes'], { cwd })).outcome, 'unchanged')
  await sluiceJson(['build'], { cwd })
  assert.equal((await rows()).length, 12)
  await sluiceJson(['run'], { cwd })
  assert.deepEqual(await rows(), before)
  assert.equal((await sluice(['verify', '--against-log'], { cwd })).code, 0)
})

test('by time as by version; neither, both, an unknown table and a version that never was are refused', async () => {
  const past = await sluiceJson<Restored>(['table', 'restore', 'silver.orders', '--to-time', '-0s', '--dry-run'], {
    cwd,
  })
  assert.equal(past.outcome, 'unchanged')
  for (const args of [
    ['bronze.orders'],
    ['bronze.orders', '--to-version', '0', '--to-time', '-1h'],
    ['bronze.order', '--to-version', '0'],
    ['bronze.orders', '--to-version', '99'],
    ['bronze.orders', '--to-time', '2001-01-01'],
  ]) {
    assert.equal((await sluice(['table', 'restore', ...args, '--yes'], { cwd })).code, 2, args.join(' '))
  }
})

interface Built {
  readonly as_of_date: string
  readonly models: readonly {
    readonly model: string
    readonly table: string
    readonly outcome: string
    readonly rows: number
  }[]
}

test('--as-of takes a date or a time; what means nothing with it is refused', async () => {
  const built = await sluiceJson<Built>(['build', '--as-of', '2100-01-01'], { cwd })
  assert.deepEqual(
    built.models.map(({ model, table, outcome, rows: count }) => [model, table, outcome, count]),
    [
      ['silver.orders', 'silver.orders_snapshot', 'built', 13],
      ['gold.orders_by_status', 'gold.orders_by_status_snapshot', 'built', 4],
    ],
  )
  // these orders have no time of change of their own: what counts is when each record was made
  const early = await sluiceJson<Built>(['build', 'silver.orders', '--as-of', '2026-01-06T12:00:00Z'], { cwd })
  assert.deepEqual([early.as_of_date, early.models.map((each) => each.rows)], ['2026-01-06', [0]])
  for (const args of [
    ['--as-of', 'yesterday'],
    ['--as-of', '2026-01-01', '--full-refresh'],
    ['--as-of', '2026-01-01', '--stage-only'],
  ]) {
    assert.equal((await sluice(['build', ...args], { cwd })).code, 2, args.join(' '))
  }
})

test('I10: what its suite refuses has no snapshot, nor has what is made of it; freshness is no question to the past', async () => {
  const dq = join(cwd, 'strict.yaml')
  const args = ['build', '--as-of', '2100-01-01', '--set', `paths.dq=${dq}`]
  const count = 'select count(*) as n from silver.orders_snapshot'
  const [standing] = await sluiceJson<{ n: number }[]>(['query', count], { cwd })
  const outcomes = async (exit: number, ...select: string[]): Promise<readonly string[]> => {
    const { models } = await sluiceJson<Built>([...args, ...select], { cwd, exit })
    return models.map(({ table, outcome }) => `${table} ${outcome}`)
  }
  await writeFile(dq, 'silver.orders:\n  critical:\n    - expect_table_row_count_to_be_between: {max_value: 1}\n')
  await writeFile(
    join(cwd, 'data/last.csv'),
    'order_id,ordered_at,customer,city,status,amount\n3001,2026-02-03T00:00:00Z,K-17,Oslo,placed,2.00\n',
  )
  await sluiceJson(['connect'], { cwd })
  await sluiceJson(['ingest'], { cwd })
  const blocked = ['silver.orders_snapshot blocked', 'gold.orders_by_status_snapshot skipped']
  assert.deepEqual(await outcomes(3), blocked)
  assert.deepEqual(await outcomes(3, 'gold.orders_by_status'), blocked, 'what stopped it is named, selected or not')
  assert.deepEqual(await sluiceJson(['query', count], { cwd }), [standing])
  const { gates } = await sluiceJson<{ gates: { table: string; outcome: string }[] }>(['status'], { cwd })
  assert.equal(gates.find(({ table }) => table === 'silver.orders')?.outcome, 'passed', 'the table itself stands')
  await writeFile(dq, 'silver.orders:\n  critical:\n    - expect_freshness: {column: ordered_at, max_age: 1s}\n')
  assert.deepEqual(await outcomes(0), ['silver.orders_snapshot built', 'gold.orders_by_status_snapshot built'])
})
