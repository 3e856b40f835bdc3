import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { foldChanges, type KeyChange, type RowChange } from '../../src/domain/fold-changes.ts'

type Change = readonly [action: 'insert' | 'delete', key: string | null, row: string]

function changesOf(list: readonly Change[]): RowChange<string>[] {
  return list.map(([action, key, row], at) => ({ seq: at + 1, action, key, row }))
}

function folded(list: readonly Change[]): (readonly [string, string | null, string])[] {
  return foldChanges(changesOf(list), true).changes.map(({ op, key, row }) => [op, key, row])
}

test('an update of one key is u, of two is d and c, and a row that came back is u', () => {
  const swapped: readonly Change[] = [
    ['delete', '1', 'a'],
    ['insert', '1', 'b'],
    ['delete', '2', 'b'],
    ['insert', '2', 'a'],
    ['delete', '3', 'moved'],
    ['insert', '4', 'moved'],
    ['insert', '5', 'new'],
  ]
  assert.deepEqual(folded(swapped), [
    ['u', '1', 'b'],
    ['u', '2', 'a'],
    ['d', '3', 'moved'],
    ['c', '4', 'moved'],
    ['c', '5', 'new'],
  ])
})

test('rows without a key are refused one by one, and a key that came twice is sent twice', () => {
  assert.deepEqual(
    folded([
      ['insert', null, 'x'],
      ['insert', null, 'y'],
      ['insert', '1', 'a'],
      ['insert', '1', 'b'],
    ]),
    [
      ['refused', null, 'x'],
      ['refused', null, 'y'],
      ['c', '1', 'a'],
      ['u', '1', 'b'],
    ],
  )
})

test('wherever a list is cut, its parts fold to the same changes, and each part says how far it is whole', () => {
  const change = fc.tuple(
    fc.constantFrom('insert' as const, 'delete' as const),
    fc.constantFrom('1', '2', '3', null),
    fc.string({ maxLength: 3 }),
  )
  const rank = ([action, key]: Change): string => `${key ?? ''}:${action === 'delete' ? 0 : 1}`
  fc.assert(
    fc.property(fc.array(change), fc.integer({ min: 1, max: 5 }), (list, size) => {
      const all = changesOf(list.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)))
      const whole = foldChanges(all, true)
      const changes: KeyChange<string>[] = []
      let rest: readonly RowChange<string>[] = []
      for (let at = 0; at < all.length; at += size) {
        const part = foldChanges([...rest, ...all.slice(at, at + size)], false)
        changes.push(...part.changes)
        ;({ rest } = part)
        // behind `upTo` stands nothing that went out, and all that did not
        if (part.upTo > 0) assert.deepEqual(changes, foldChanges(all.slice(0, part.upTo), true).changes)
      }
      changes.push(...foldChanges(rest, true).changes)
      assert.deepEqual(changes, whole.changes)
    }),
  )
})
