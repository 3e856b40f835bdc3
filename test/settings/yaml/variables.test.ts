import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { interpolate } from '../../../src/settings/yaml/variables.ts'

test('variables and defaults are replaced, $${ stands for itself', () => {
  const env = { A: 'a', EMPTY: '' }
  const text = (written: string): unknown => {
    const result = interpolate(written, env)
    return result.kind === 'text' ? result.text : result
  }
  assert.equal(text('x${A}y${A}'), 'xaya')
  assert.equal(text('${B:b c}'), 'b c')
  assert.equal(text('${B:}'), '')
  assert.equal(text('${EMPTY:unused}'), '')
  assert.equal(text('$${A} costs $5'), '${A} costs $5')
  assert.deepEqual(interpolate('${B}', env), { kind: 'undefined', variable: 'B' })
  assert.equal(interpolate('${', env).kind, 'malformed')
  assert.equal(interpolate('${A', env).kind, 'malformed')
  assert.equal(interpolate('${B:${A}}', env).kind, 'malformed')
})

test('names of the prototype are no variables', () => {
  assert.deepEqual(interpolate('${toString}', {}), { kind: 'undefined', variable: 'toString' })
})

test('what a variable holds is not looked into again', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const result = interpolate('<${A}>', { A: value })
      assert.deepEqual(result, { kind: 'text', text: `<${value}>`, fromEnvironment: false })
    }),
  )
})
