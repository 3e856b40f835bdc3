import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frameRecord } from '../../../src/contract/wire.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { WriterCache } from '../../../src/ingest/lane/resolve-writers.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../../src/ports/schema-registry.ts'
import { orderContract, placedBatch } from '../batches.ts'

function registry(schemas: RegisteredSchema[]) {
  const asked: number[] = []
  const byId = async (id: number): Promise<RegisteredSchema | null> => {
    asked.push(id)
    return schemas.find((schema) => schema.id === id) ?? null
  }
  return { asked, registry: { byId } as SchemaRegistry }
}
const framed = (id: number) => ({ value: frameRecord(id, Buffer.from('body')) })

describe('WriterCache', () => {
  it('asks once an id, over batches, and knows what it was told', async () => {
    const { asked, registry: real } = registry([orderContract({ id: 1 }), orderContract({ id: 2 })])
    const cache = new WriterCache(real)
    assert.equal(await cache.resolve(placedBatch([framed(1), framed(2), framed(1)])), null)
    assert.equal(await cache.resolve(placedBatch([framed(2), framed(1)])), null)
    assert.deepEqual(
      [asked, [...cache.known.keys()]],
      [
        [1, 2],
        [1, 2],
      ],
    )
  })

  it('I8: names the first record whose id is not known; once it is registered, the batch resolves', async () => {
    const schemas = [orderContract({ id: 1 })]
    const { registry: real } = registry(schemas)
    const cache = new WriterCache(real)
    const batch = placedBatch([framed(1), framed(9), framed(8)])
    assert.deepEqual(await cache.resolve(batch), { index: 1, schemaId: 9 })
    schemas.push(orderContract({ id: 9 }), orderContract({ id: 8 }))
    assert.equal(await cache.resolve(batch), null)
  })

  it("records that name no id are the judge's matter: nothing is asked for them", async () => {
    const { asked, registry: real } = registry([])
    const junk = [
      { value: null },
      { value: Buffer.of(0, 0) },
      { value: Buffer.of(1, 0, 0, 0, 9, 9) },
      { value: Buffer.of(0, 0, 0, 0, 0, 1) },
      { value: Buffer.of(0, 255, 0, 0, 0, 1) },
    ]
    assert.equal(await new WriterCache(real).resolve(placedBatch(junk)), null)
    assert.deepEqual(asked, [])
  })

  it('a registry that does not answer is not an unknown id', async () => {
    const away = {
      byId: () => Promise.reject(new SluiceError('REGISTRY_UNAVAILABLE', 'away')),
    } as unknown as SchemaRegistry
    await assert.rejects(new WriterCache(away).resolve(placedBatch([framed(1)])), { code: 'REGISTRY_UNAVAILABLE' })
  })
})
