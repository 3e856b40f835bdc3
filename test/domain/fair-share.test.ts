import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideLeases } from '../../src/domain/fair-share.ts'

type Members = readonly { readonly member: string; readonly wants: ReadonlySet<string> }[]

/** Lets members look in the given order and answers whether anything changed. */
function round(members: Members, leases: Map<string, string>, order: readonly number[]): boolean {
  let changed = false
  for (const i of order) {
    const self = members[i % members.length]!.member
    const { take, give } = decideLeases({ members, leases }, self)
    for (const resource of give) {
      assert.equal(leases.get(resource), self, 'only what is held is given up')
      leases.delete(resource)
    }
    for (const resource of take) {
      assert.equal(leases.has(resource), false, 'only what is free is taken')
      leases.set(resource, self)
    }
    changed ||= take.length + give.length > 0
  }
  return changed
}

function settle(members: Members, leases: Map<string, string>): void {
  const all = members.map((_, i) => i)
  for (let i = 0; i < 60; i += 1) if (!round(members, leases, all)) return
  assert.fail('leases never come to rest')
}

function counts(members: Members, leases: ReadonlyMap<string, string>): number[] {
  return members.map(({ member }) => [...leases.values()].filter((holder) => holder === member).length)
}

test('members that want the same come to rest with at most ⌈resources / members⌉ each and nothing idle', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(), { maxLength: 10 }),
      (size, people, order) => {
        const resources = Array.from({ length: size }, (_, i) => `r${i}`)
        const members = Array.from({ length: people }, (_, i) => ({ member: `m${i}`, wants: new Set(resources) }))
        const leases = new Map<string, string>()
        round(members, leases, order)
        settle(members, leases)
        assert.equal(leases.size, size)
        assert.ok(Math.max(...counts(members, leases)) <= Math.ceil(size / people))
        assert.ok(Math.max(...counts(members, leases)) - Math.min(...counts(members, leases)) <= 1)
      },
    ),
  )
})

test('whatever members want, all that is wanted is held by one that wants it, and leases come to rest', () => {
  const wants = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'))
  fc.assert(
    fc.property(
      fc.array(wants, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (lists, order) => {
        const members = lists.map((list, i) => ({ member: `m${i}`, wants: new Set(list) }))
        const leases = new Map<string, string>()
        round(members, leases, order)
        settle(members, leases)
        assert.deepEqual([...leases.keys()].toSorted(), [...new Set(lists.flat())].toSorted())
        for (const [resource, holder] of leases) {
          assert.ok(
            members.some(
              ({ member, wants: wanted }) => member === holder && [...wanted].some((one) => one === resource),
            ),
          )
        }
      },
    ),
  )
})

test('a newcomer gets its share from those who hold most', () => {
  const wants = new Set(['r0', 'r1', 'r2', 'r3'])
  const members = ['a', 'b', 'c'].map((member) => ({ member, wants }))
  const leases = new Map([
    ['r0', 'a'],
    ['r1', 'a'],
    ['r2', 'b'],
    ['r3', 'b'],
  ])
  settle(members, leases)
  assert.deepEqual(
    counts(members, leases).toSorted((a, b) => a - b),
    [1, 1, 2],
  )
})
