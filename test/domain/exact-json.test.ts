import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, ExactNumber, parseExactJson, showExact, stringifyExact } from '../../src/domain/exact-json.ts'

test('a number that a double cannot hold stays as its text; all else is what JSON.parse gives', () => {
  const { value, plain } = parseExactJson(
    '{"a":9007199254740993,"b":0.1,"c":1.0,"d":1e2,"e":0.10000000000000000001,"f":1e400}',
  )
  assert.equal(plain, false)
  assert.deepEqual(value, {
    a: new ExactNumber('9007199254740993'),
    b: 0.1,
    c: 1,
    d: 100,
    e: new ExactNumber('0.10000000000000000001'),
    f: new ExactNumber('1e400'),
  })
  assert.deepEqual(showExact(value), {
    a: '9007199254740993',
    b: 0.1,
    c: 1,
    d: 100,
    e: '0.10000000000000000001',
    f: '1e400',
  })
  assert.equal(
    stringifyExact(value),
    '{"a":9007199254740993,"b":0.1,"c":1,"d":100,"e":0.10000000000000000001,"f":1e400}',
  )
})

test('what has no such number is plain', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { value, plain } = parseExactJson(text)
      assert.equal(plain, true)
      assert.deepEqual(value, JSON.parse(text))
    }),
  )
})

test('any number keeps its value, wherever it stands: as a double where that is the same number, else as its text', () => {
  const digits = fc
    .integer({ min: 1, max: 22 })
    .chain((size) => fc.stringMatching(new RegExp(`^[1-9][0-9]{${size - 1}}$`)))
  const number = fc
    .tuple(
      fc.constantFrom('', '-'),
      digits,
      fc.option(digits),
      fc.option(fc.tuple(fc.constantFrom('e', 'E-', 'e+'), fc.nat(330))),
    )
    .map(
      ([sign, whole, part, power]) =>
        `${sign}${whole}${part === null ? '' : `.${part}`}${power === null ? '' : power.join('')}`,
    )
  let kept = 0
  fc.assert(
    fc.property(number, fc.constantFrom(' ', '', '\n'), fc.string(), (text, space, beside) => {
      const same = sameValue(text, String(Number(text)))
      kept += same ? 0 : 1
      const expected = same ? Number(text) : new ExactNumber(text)
      const document = `{"a":${JSON.stringify(beside)},"b":[${space}${text}${space},${text}],"${text}":${space}${text}}`
      const { value, plain } = parseExactJson(document)
      assert.deepEqual(value, { a: beside, b: [expected, expected], [text]: expected }, document)
      assert.equal(plain, same)
      assert.deepEqual(parseExactJson(text).value, expected)
      assert.deepEqual(parseExactJson(JSON.stringify(text)), { value: text, plain: true })
    }),
    { numRuns: 300 },
  )
  assert.ok(kept > 60)
})

/** By cross-multiplied integers; exponents here are small enough for that. */
function sameValue(a: string, b: string): boolean {
  if (!Number.isFinite(Number(b))) return false
  const [x, y] = [a, b].map((text) => {
    const [, sign = '', whole = '', part = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text)!
    return { digits: BigInt(sign + whole + part), power: Number(power) - part.length }
  }) as [{ digits: bigint; power: number }, { digits: bigint; power: number }]
  const low = Math.min(x.power, y.power)
  return x.digits * 10n ** BigInt(x.power - low) === y.digits * 10n ** BigInt(y.power - low)
}

test('canonical text does not depend on spacing or the order of keys, and tells every digit apart', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const turned = Object.fromEntries(Object.entries(object).reverse())
      assert.equal(canonicalJson(JSON.stringify(object, null, 2)), canonicalJson(JSON.stringify(turned)))
      assert.deepEqual(JSON.parse(canonicalJson(JSON.stringify(object))), JSON.parse(JSON.stringify(object)))
    }),
  )
  assert.notEqual(canonicalJson('9007199254740992'), canonicalJson('9007199254740993'))
})

test('a key named __proto__ is a key', () => {
  assert.equal(canonicalJson('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}')
})
