import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sluice, sluiceJson, temporaryFolder } from '../../../support/sluice.ts'

/** The hidden verb `simulate`: the next day of a stream, as big, broken and other as its flags say. */

let folder: Awaited<ReturnType<typeof temporaryFolder>>
before(async () => {
  folder = await temporaryFolder('simulate')
})
after(() => folder.remove())

interface Simulated {
  readonly sources: readonly { readonly source: string; readonly read: number; readonly appended: number }[]
}
interface Ends {
  readonly partitions: readonly { readonly topic: string; readonly end: string }[]
}

const envOf = (name: string): Record<string, string> => ({ LAKE: join(folder.path, name) })

async function records(env: Record<string, string>): Promise<Readonly<Record<string, number>>> {
  const { partitions } = await sluiceJson<Ends>(['lag'], { env })
  const sums: Record<string, number> = {}
  for (const { topic, end } of partitions) sums[topic] = (sums[topic] ?? 0) + Number(end)
  return sums
}

test('fills one topic with a day of so many rows, and with the next day when called again', async () => {
  const env = envOf('one')
  const args = ['simulate', '--topic', 'orders', '--rows', '60', '--seed', '9', '--bad-rate', '0']
  const [first] = (await sluiceJson<Simulated>(args, { env })).sources
  assert.deepEqual([first?.source, first?.read], ['orders', first?.appended])
  assert.ok(first!.read >= 60 && first!.read < 90, `${first!.read} rows`)
  const [second] = (await sluiceJson<Simulated>(args, { env })).sources
  assert.ok(second!.read > first!.read, 'the second day also tells what became of the first')
  const ends = await records(env)
  assert.equal(ends['orders'], first!.read + second!.read)
  assert.deepEqual([ends['customers'], ends['behavior']], [0, 0])
})

test('without a topic it is all five, every row with a broken one beside it at rate 1, and good ones lose nothing', async () => {
  const env = envOf('all')
  const told = await sluiceJson<Simulated>(['simulate', '--rows', '40', '--bad-rate', '1'], { env })
  assert.deepEqual(told.sources.map(({ source }) => source).toSorted(), [
    'behavior',
    'customers',
    'fx_rates',
    'orders',
    'products',
  ])
  const { tables } = await sluiceJson<{ tables: { table: string; landed: number; quarantined: number }[] }>(
    ['ingest'],
    { env },
  )
  for (const { table, landed, quarantined } of tables) assert.ok(landed > 0 && quarantined > 0, table)
  assert.equal((await sluice(['verify', '--against-log'], { env })).code, 0)
})

test('another seed is another shop; what means nothing is refused; help does not list it', async () => {
  const rowOf = async (name: string, seed: string): Promise<string> => {
    const env = envOf(name)
    await sluiceJson(['simulate', '--topic', 'products', '--rows', '20', '--seed', seed, '--bad-rate', '0'], { env })
    return (await sluice(['topic', 'show', 'products', '--partition', '0', '--offset', '0'], { env })).stdout
  }
  assert.notEqual(await rowOf('seed-1', '1'), await rowOf('seed-2', '2'))
  for (const wrong of [
    ['--topic', 'order'],
    ['--bad-rate', '2'],
    ['--bad-rate', 'often'],
    ['--rows', '0'],
    ['--rows', 'many'],
  ]) {
    const ended = await sluice(['simulate', ...wrong], { env: envOf('wrong') })
    assert.equal(ended.code, 2, `${wrong.join(' ')}: ${ended.stderr}`)
  }
  assert.doesNotMatch((await sluice(['--help'])).stdout, /^ {2}simulate/m)
})
