import { prepareReset, resetLane, type ResetRequest } from '../../src/operate/checkpoint/reset-lane.ts'
import type { TestWorld } from './world.ts'

/** `checkpoint reset` of `bronze.orders`, as an operator who agrees: the version that it made, null where nothing moved. */
export async function resetOrders(world: TestWorld, request: Partial<ResetRequest>): Promise<number | null> {
  const table = world.settings.tables.get('orders')!
  const whole = { table, partition: null, target: null, accept: false, ...request }
  return resetLane(world, await prepareReset(world, whole))
}
