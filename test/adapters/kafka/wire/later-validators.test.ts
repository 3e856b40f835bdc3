import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** In this process nothing has loaded the library yet. Counts what is compiled, whoever asks. */
let compiled = 0
const core = Object.getPrototypeOf(Ajv2020.prototype) as Ajv2020
// eslint-disable-next-line typescript/unbound-method -- called on the instance that it is asked of
const { compile } = core
core.compile = function (this: Ajv2020, ...args: Parameters<Ajv2020['compile']>) {
  compiled += 1
  return compile.apply(this, args)
} as Ajv2020['compile']
await import('../../../../src/adapters/kafka/kafka-log.ts')
const atLoad = compiled
const { Base } = await import('@platformatic/kafka')

test('loading the library compiles none of its validators', () => {
  assert.equal(atLoad, 0)
})

test('whoever compiles a schema afterwards has it compiled at once, and is told at once what is wrong with it', () => {
  assert.equal(Object.hasOwn(Ajv2020.prototype, 'compile'), false)
  const before = compiled
  const valid = new Ajv2020().compile({ type: 'string' })
  assert.equal(compiled, before + 1)
  assert.deepEqual([valid('a'), valid(1)], [true, false])
  assert.throws(() => new Ajv2020().compile({ type: 'no such type' }), /schema is invalid/)
})

test('a validator that was put off judges each time that it is called, and tells why', () => {
  const open = (clientId: unknown): unknown =>
    new Base({ clientId: clientId as string, bootstrapBrokers: ['127.0.0.1:1'], strict: true })
  const before = compiled
  assert.throws(() => open(5), { message: '/options/clientId must be string.' })
  assert.ok(open('x') instanceof Base)
  assert.throws(() => open(''), { message: '/options/clientId must match pattern "^\\S+$".' })
  assert.equal(compiled, before + 1)
})
