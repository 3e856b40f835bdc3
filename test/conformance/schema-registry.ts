import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SluiceError } from '../../src/domain/errors.ts'
import type { SchemaRegistry, SchemaText } from '../../src/ports/schema-registry.ts'

/** One registry, empty at first, with compatibility BACKWARD. */
export interface OpenedRegistry {
  readonly registry: SchemaRegistry
  /** Another handle over the same registry, as another process would have. */
  readonly reopen: () => Promise<SchemaRegistry>
  readonly cleanup: () => Promise<void>
  /** What this registry does not promise, by its own ways. */
  readonly quirks?: {
    /** A rule of the whole registry refuses what was forced, too. */
    readonly refusesForced?: true
    /** Two who register one content at once may make two versions of it, with one id. */
    readonly racesDouble?: true
  }
}

const avro = (...fields: readonly object[]): SchemaText => ({
  format: 'avro',
  text: JSON.stringify({ type: 'record', name: 'Order', fields }),
})
const ID = { name: 'id', type: 'long', constraints: { minimum: 1 }, pii: 'order' }
const NOTE = { name: 'note', type: ['null', 'string'], default: null }
const FIRST = avro(ID)
const SECOND = avro(ID, NOTE)
const BREAKING = avro({ name: 'id', type: 'boolean' }, { name: 'more', type: 'int' })
const JSON_FIRST: SchemaText = {
  format: 'json',
  text: '{"type":"object","properties":{"id":{"type":"integer","maximum":9223372036854775807}},"additionalProperties":false}',
}

/** The promises of ports/schema-registry.ts; every adapter passes them. */
export function schemaRegistryConformance(name: string, open: () => Promise<OpenedRegistry>): void {
  const promise = (title: string, body: (opened: OpenedRegistry) => Promise<void>): void => {
    test(title, async () => {
      const opened = await open()
      try {
        await body(opened)
      } finally {
        await opened.cleanup()
      }
    })
  }

  describe(`${name} keeps the promises of a schema registry`, () => {
    promise('what was never registered is null, not an error', async ({ registry }) => {
      assert.equal(await registry.latest('orders-value'), null)
      assert.equal(await registry.version('orders-value', 1), null)
      assert.deepEqual(await registry.versions('orders-value'), [])
      assert.deepEqual(await registry.subjects(), [])
      assert.equal(await registry.byId(123456), null)
      assert.equal(await registry.compatibility('orders-value'), 'BACKWARD')
    })

    promise('versions count from 1, and the latest is the last one', async ({ registry }) => {
      const first = await registry.register('orders-value', FIRST)
      const second = await registry.register('orders-value', SECOND)
      assert.deepEqual([first.version, second.version], [1, 2])
      assert.deepEqual(await registry.versions('orders-value'), [1, 2])
      assert.deepEqual(await registry.latest('orders-value'), second)
      assert.deepEqual(await registry.version('orders-value', 1), first)
      assert.equal(await registry.version('orders-value', 3), null)
      assert.deepEqual(await registry.subjects(), ['orders-value'])
    })

    promise(
      'an id is positive, fits 31 bits and gives the schema back, attributes and every digit included',
      async ({ registry }) => {
        for (const [subject, schema] of [
          ['orders-value', FIRST],
          ['lines-value', JSON_FIRST],
        ] as const) {
          const { id } = await registry.register(subject, schema)
          assert.ok(Number.isSafeInteger(id) && id >= 1 && id <= 0x7fffffff)
          const found = await registry.byId(id)
          assert.equal(found?.id, id)
          assert.equal(found.format, schema.format)
          assert.equal(found.text, schema.text)
        }
      },
    )

    promise('registering the same content again changes nothing, however it is spaced', async ({ registry }) => {
      const first = await registry.register('orders-value', FIRST)
      const spaced = { ...FIRST, text: JSON.stringify(JSON.parse(FIRST.text), null, 2) }
      assert.equal((await registry.register('orders-value', spaced)).id, first.id)
      assert.deepEqual(await registry.versions('orders-value'), [1])
    })

    promise('the same content has the same id in every subject, another content another', async ({ registry }) => {
      const [a, b, other] = [
        await registry.register('a-value', FIRST),
        await registry.register('b-value', FIRST),
        await registry.register('c-value', SECOND),
      ]
      assert.equal(a.id, b.id)
      assert.notEqual(a.id, other.id)
    })

    promise('a schema that differs in an attribute alone is another version', async ({ registry }) => {
      const first = await registry.register('orders-value', avro({ ...ID, constraints: { minimum: 1 } }))
      const second = await registry.register('orders-value', avro({ ...ID, constraints: { minimum: 0 } }))
      assert.equal(second.version, 2)
      assert.notEqual(first.id, second.id)
    })

    promise(
      'what breaks readers is refused by code, and nothing is registered; force registers it',
      async ({ registry, quirks }) => {
        await registry.register('orders-value', FIRST)
        await assert.rejects(
          registry.register('orders-value', BREAKING),
          (error) => error instanceof SluiceError && error.code === 'CONTRACT_INCOMPATIBLE',
        )
        assert.deepEqual(await registry.versions('orders-value'), [1])
        const forced = registry.register('orders-value', BREAKING, { force: true })
        if (quirks?.refusesForced === true) await assert.rejects(forced, { code: 'CONTRACT_INCOMPATIBLE' })
        else assert.equal((await forced).version, 2)
      },
    )

    promise('what is no schema is refused by code, forced or not', async ({ registry }) => {
      for (const force of [false, true]) {
        await assert.rejects(
          registry.register('orders-value', { format: 'avro', text: '{"type":"nothing"}' }, { force }),
          (error) => error instanceof SluiceError && error.code === 'CONTRACT_INVALID',
        )
      }
      assert.deepEqual(await registry.subjects(), [])
    })

    promise('another handle sees what was registered, and the other way round', async ({ registry, reopen }) => {
      const other = await reopen()
      const first = await registry.register('orders-value', FIRST)
      assert.deepEqual(await other.latest('orders-value'), first)
      const second = await other.register('orders-value', SECOND)
      assert.deepEqual(await registry.byId(second.id), second)
    })

    promise(
      'of many who register at once, equal content becomes one version and others each their own',
      async ({ registry, reopen, quirks }) => {
        const other = await reopen()
        const contents = Array.from({ length: 4 }, (_, i) =>
          avro(ID, NOTE, { name: `n${i}`, type: ['null', 'int'], default: null }),
        )
        const all = await Promise.all(
          [...contents, ...contents].map((schema, i) =>
            (i % 2 === 0 ? registry : other).register('orders-value', schema),
          ),
        )
        const versions = await registry.versions('orders-value')
        assert.deepEqual(
          versions,
          versions.map((_, i) => i + 1),
        )
        if (quirks?.racesDouble !== true) assert.equal(versions.length, 4)
        assert.equal(new Set(all.map(({ id }) => id)).size, 4)
        for (const { version, id } of all) assert.equal((await other.version('orders-value', version))?.id, id)
      },
    )
  })
}
