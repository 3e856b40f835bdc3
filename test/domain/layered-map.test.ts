import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LayeredMap } from '../../src/domain/layered-map.ts'

type Step = readonly [what: 'set' | 'delete' | 'copy' | 'fill', key: number, of: number]

const steps = fc.array(
  fc.tuple(fc.constantFrom<Step[0]>('set', 'set', 'set', 'delete', 'copy', 'fill'), fc.nat(400), fc.nat(9)),
  { maxLength: 60, size: 'max' },
)

test('a copy and what it was made of are maps of their own, whatever is set and removed in any of them', () => {
  let filled = 0
  fc.assert(
    fc.property(steps, (all) => {
      const maps = [{ layered: new LayeredMap<number, number>(), plain: new Map<number, number>() }]
      for (const [i, [what, key, of]] of all.entries()) {
        const { layered, plain } = maps[of % maps.length]!
        const last = what === 'set' ? key : what === 'fill' ? key + 300 : -1
        if (last >= 0) {
          for (let each = key; each <= last; each += 1) {
            layered.set(each, i)
            plain.set(each, i)
          }
        } else if (what === 'delete') {
          layered.delete(key)
          plain.delete(key)
        } else if (maps.length < 6) maps.push({ layered: new LayeredMap(layered), plain: new Map(plain) })
        else maps[(of + 1) % maps.length] = { layered: new LayeredMap(layered), plain: new Map(plain) }
        if (what === 'copy' && plain.size > 300) filled += 1
      }
      const byKey = ([a]: readonly [number, number], [b]: readonly [number, number]): number => a - b
      for (const { layered, plain } of maps) {
        assert.equal(layered.size, plain.size)
        assert.deepEqual([...layered].toSorted(byKey), [...plain].toSorted(byKey))
        assert.deepEqual([...layered.keys()].length, plain.size)
        assert.deepEqual(
          [...layered.values()].toSorted((a, b) => a - b),
          [...plain.values()].toSorted((a, b) => a - b),
        )
        for (let key = 0; key <= 700; key += 1) {
          assert.equal(layered.get(key), plain.get(key))
          assert.equal(layered.has(key), plain.has(key))
        }
        let seen = 0
        layered.forEach((value, key) => {
          seen += plain.get(key) === value ? 1 : 0
        })
        assert.equal(seen, plain.size)
      }
    }),
    { numRuns: 60 },
  )
  assert.ok(filled > 20)
})
