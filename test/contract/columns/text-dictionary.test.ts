import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RECENT_BYTES, TextDictionary } from '../../../src/contract/columns/text-dictionary.ts'

/** A few values of lengths around those that are kept as words, which are met again and again, and others nearly like them. */
const value = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('', 'a', 'a\0', '\xff', 'a'.repeat(RECENT_BYTES), 'a'.repeat(RECENT_BYTES + 1)),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(0, 1, 97, 255), { maxLength: RECENT_BYTES + 3 })
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('find' as const), value }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), value, checked: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), rows: fc.nat(3) }) },
)

test('a value is found exactly while its row stands and it is checked, however often it was asked for', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const dictionary = new TextDictionary()
      const model: { value: string; born: number; checked: boolean }[] = []
      let row = 0
      for (const each of steps) {
        if (each.kind === 'forget') {
          row = Math.max(0, row - each.rows)
          dictionary.truncate(row)
          while (model.length > 0 && model.at(-1)!.born >= row) model.pop()
          continue
        }
        // What lies behind a value must not matter.
        const bytes = Buffer.from(`xx${each.value}${'\u0061'.repeat(row % 2)}${'\0'.repeat(16)}`, 'latin1')
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
        const known = model.findIndex((other) => other.value === each.value)
        if (each.kind === 'find') {
          const wanted = known >= 0 && model[known]!.checked ? known : -1
          assert.equal(dictionary.findChecked(view, 2, each.value.length), wanted)
          continue
        }
        const id = dictionary.add(bytes, 2, 2 + each.value.length, row)
        assert.equal(id, known >= 0 ? known : model.length)
        if (known < 0) model.push({ value: each.value, born: row, checked: false })
        if (each.checked) {
          dictionary.markChecked(id)
          model[id]!.checked = true
        }
        row += 1
      }
    }),
    { numRuns: 300 },
  )
})
