import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setNullable } from '../../support/alter-table.ts'
import { message, order, orders, produce, registerOrders } from '../../support/orders.ts'
import { rawRows } from '../../support/raw-delta.ts'
import { ingestAll, scratchWorld } from '../../support/scratch-world.ts'

describe('a bronze table of which another engine declared a column without nulls', () => {
  it('I8: a row without a value there stops its lane by name; what is there and the position stay', async (t) => {
    const world = await scratchWorld(t)
    const table = join(world.folder, 'lake/bronze/orders')
    const rows = () => rawRows(table, 'select _offset::int as o, n from rows order by all')
    const schema = await registerOrders(world)
    await produce(world, orders(schema, 2))
    await ingestAll(world)
    await setNullable(table, 'n', false)
    await produce(world, [order(schema, { id: 'a', n: 7 })])
    assert.deepEqual((await ingestAll(world))[0]!.errors, [])
    // A key without a value is a deletion: all but the key is null.
    await produce(world, [message(null, { key: 'a' }), order(schema, { id: 'b', n: 8 })])
    const [stopped] = await ingestAll(world)
    assert.deepEqual(
      stopped!.errors.map(({ code }) => code),
      ['COLUMN_NOT_NULL'],
    )
    assert.match(stopped!.errors[0]!.message, /column n .*takes no nulls/)
    const before = [
      { o: 0, n: 0 },
      { o: 1, n: 1 },
      { o: 2, n: 7 },
    ]
    assert.deepEqual(await rows(), before)
    await setNullable(table, 'n', true)
    assert.deepEqual((await ingestAll(world))[0]!.errors, [])
    assert.deepEqual(await rows(), [...before, { o: 3, n: null }, { o: 4, n: 8 }])
  })
})
