import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runIngest } from '../../src/ingest/run-ingest.ts'
import type { Assignment } from '../../src/ports/assignment.ts'
import { orders, produce, registerOrders } from '../support/orders.ts'
import { scratchWorld } from '../support/scratch-world.ts'
import type { TestWorld } from '../support/world.ts'

/** Keeps what it is told, unless it is deaf; counts who joins. */
class ToldAssignment implements Assignment {
  readonly kept = new Map<string, bigint>()
  joined = 0
  deaf = false

  async join(_group: string, resources: readonly string[]): ReturnType<Assignment['join']> {
    this.joined += 1
    return {
      poll: async () => new Set(resources),
      want: async () => undefined,
      release: async () => undefined,
      tell: async (positions) => {
        if (this.deaf) throw new Error('the group is being rebalanced')
        for (const [resource, next] of positions) this.kept.set(resource, next)
      },
      leave: async () => undefined,
    }
  }

  held(): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set())
  }

  told(_group: string, resources: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    return Promise.resolve(new Map([...this.kept].filter(([resource]) => resources.includes(resource))))
  }
}

test('what lag tools were not told when it landed, they are told by the next pass, which commits nothing', async (t) => {
  const assignment = new ToldAssignment()
  const world: TestWorld = { ...(await scratchWorld(t)), assignment }
  const pass = async (): Promise<unknown> => {
    const [report] = await runIngest(world, [...world.settings.tables.values()])
    return [report?.errors, report?.read, report?.committed]
  }
  const schema = await registerOrders(world)
  await produce(world, orders(schema, 5))
  assignment.deaf = true
  assert.deepEqual(await pass(), [[], 5, true])
  assert.equal(assignment.kept.size, 0)
  assignment.deaf = false
  assert.deepEqual(await pass(), [[], 0, false])
  assert.equal(assignment.kept.get('orders/0'), 5n)
  const { joined } = assignment
  assert.deepEqual(await pass(), [[], 0, false])
  assert.equal(assignment.joined, joined, 'nothing to read and nothing to tell: nobody is disturbed')
})
