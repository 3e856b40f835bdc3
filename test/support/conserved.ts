import assert from 'node:assert/strict'
import { verifyTable } from '../../src/operate/verify.ts'
import type { TestWorld } from './world.ts'

/** Conservation of `bronze.orders`, held against the log too (I17). */
export async function assertConserved(world: TestWorld): Promise<void> {
  const proof = await verifyTable(world, world.settings.tables.get('orders')!, { againstLog: true })
  const text = JSON.stringify(proof, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  assert.equal(proof.ok, true, text)
}
