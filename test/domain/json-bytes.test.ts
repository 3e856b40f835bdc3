import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonBytes } from '../../src/domain/json-bytes.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  // Every byte that JSON escapes, and its neighbours.
  fc.string({
    unit: fc.constantFrom(...Array.from({ length: 0x82 }, (_, code) => String.fromCharCode(code)), '\u2028', '😀'),
  }),
)

test('strings and base64 written as bytes are what JSON.stringify and Buffer make of them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyText, fc.uint8Array({ maxLength: 100 }), anyText), { maxLength: 20 }), (parts) => {
      const out = new JsonBytes()
      let wanted = ''
      for (const [text, bytes, between] of parts) {
        const utf8 = Buffer.from(`<${text}>`, 'utf8')
        out.quoted(utf8, 1, utf8.length - 1)
        out.text(between)
        out.base64(bytes, 0, bytes.length)
        out.bytes(utf8)
        wanted += `${JSON.stringify(text)}${between}"${Buffer.from(bytes).toString('base64')}"<${text}>`
      }
      assert.equal(Buffer.from(out.view()).toString('utf8'), wanted)
      assert.equal(out.length, Buffer.byteLength(wanted))
    }),
  )
})

test('what is taken back or cleared leaves no trace, and room that was large is let go of', () => {
  const out = new JsonBytes()
  out.text('[1')
  const { length } = out
  out.text(',2'.repeat(3_000_000))
  out.truncate(length)
  out.text(']')
  assert.equal(Buffer.from(out.view()).toString('utf8'), '[1]')
  assert.equal(Buffer.from(out.view(1)).toString('utf8'), '1]')
  out.clear()
  assert.equal(out.view().buffer.byteLength, 0)
  out.quoted(Buffer.from('a"b'), 0, 3)
  assert.equal(Buffer.from(out.view()).toString('utf8'), '"a\\"b"')
})

test('whole numbers written as digits are their text, with zeros before them where asked', () => {
  const number = fc.oneof(
    fc.maxSafeInteger(),
    fc.nat(200),
    fc.nat(15).chain((power) => fc.constantFrom(10 ** power, 10 ** power - 1, -(10 ** power))),
  )
  fc.assert(
    fc.property(number, fc.integer({ min: 1, max: 16 }), (value, least) => {
      const out = new JsonBytes()
      out.integer(value)
      out.byte(44)
      out.digits(Math.abs(value), least)
      assert.equal(Buffer.from(out.view()).toString('utf8'), `${value},${String(Math.abs(value)).padStart(least, '0')}`)
    }),
  )
})
