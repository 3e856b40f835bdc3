import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Assignment, Membership } from '../../src/ports/assignment.ts'

/** One place where leases are kept, empty at first. */
export interface OpenedAssignment {
  readonly assignment: Assignment
  /** Another handle over the same leases, as another process would have. */
  readonly another: () => Promise<Assignment>
  /** What is told is kept for tools that show lag. */
  readonly keepsPositions?: boolean
  readonly cleanup: () => Promise<void>
}

/** The promises of ports/assignment.ts; every adapter passes them. */
export function assignmentConformance(name: string, open: () => Promise<OpenedAssignment>): void {
  const promise = (title: string, body: (opened: OpenedAssignment) => Promise<void>): void => {
    test(title, async () => {
      const opened = await open()
      try {
        await body(opened)
      } finally {
        await opened.cleanup()
      }
    })
  }
  const six = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']

  describe(`${name} keeps the promises of an assignment`, () => {
    promise('a member alone holds all that it wants', async ({ assignment }) => {
      const a = await assignment.join('g', six)
      await comesToHold(a, six)
      assert.deepEqual(await held(a), six)
    })

    promise('members share evenly, hold nothing twice and leave nothing idle, as they come and go', async (opened) => {
      const members = [await opened.assignment.join('g', six)]
      await members[0]!.poll()
      for (const expected of [3, 2]) {
        members.push(await (await opened.another()).join('g', six))
        await sharedEvenly(members, expected)
      }
      await members.shift()!.leave()
      await sharedEvenly(members, 3)
    })

    promise('an onlooker is told what live members hold, and takes no part', async (opened) => {
      const onlooker = await opened.another()
      assert.deepEqual([...(await onlooker.held('g'))], [])
      const a = await opened.assignment.join('g', ['r0', 'r1'])
      await comesToHold(a, ['r0', 'r1'])
      assert.deepEqual([...(await onlooker.held('g'))].toSorted(), ['r0', 'r1'])
      assert.deepEqual([...(await onlooker.held('other'))], [])
      assert.deepEqual(await held(a), ['r0', 'r1'])
      await a.leave()
      assert.deepEqual([...(await onlooker.held('g'))], [])
    })

    promise('what a member releases goes to another that still wants it, and never back', async (opened) => {
      const a = await opened.assignment.join('g', ['r0', 'r1'])
      const b = await (await opened.another()).join('g', ['r0', 'r1'])
      await settled([a, b], ([ofA, ofB]) => assert.deepEqual([ofA!.length, ofB!.length], [1, 1]))
      const [given] = await held(a)
      await a.release([given!])
      await settled([a, b], ([ofA, ofB]) => {
        assert.ok(ofB!.includes(given!))
        assert.ok(!ofA!.includes(given!))
      })
      await b.release(['r0', 'r1'])
      await settled([a, b], ([ofA, ofB]) => {
        assert.ok(!ofA!.includes(given!))
        assert.deepEqual(ofB, [])
      })
    })

    promise('a member may want more later, and again what it released', async ({ assignment }) => {
      const a = await assignment.join('g', ['r0'])
      await comesToHold(a, ['r0'])
      await a.want(['r1'])
      await comesToHold(a, ['r0', 'r1'])
      await a.release(['r0'])
      assert.deepEqual(await held(a), ['r1'])
      await a.want(['r0'])
      await comesToHold(a, ['r0', 'r1'])
    })

    promise('a member that left holds nothing, and all it held is free', async (opened) => {
      const a = await opened.assignment.join('g', six)
      await a.poll()
      const b = await (await opened.another()).join('g', six)
      await a.leave()
      assert.deepEqual(await held(a), [])
      await comesToHold(b, six)
      await a.leave()
    })

    promise('members that want different things do not stand in each other’s way', async (opened) => {
      const a = await opened.assignment.join('g', ['r0', 'r1', 'r2', 'r3'])
      await a.poll()
      const b = await (await opened.another()).join('g', ['r0', 'r9'])
      await settled([a, b], ([ofA, ofB]) => {
        assert.ok(ofB!.includes('r9'))
        assert.deepEqual([...ofA!, ...ofB!].toSorted(), ['r0', 'r1', 'r2', 'r3', 'r9'])
      })
    })

    promise(
      'what a member tells of what it holds can be looked at, and what it does not hold is never told',
      async (opened) => {
        const { assignment, keepsPositions = false } = opened
        const places = ['t/0', 't/1', 't/2', 't/3']
        const a = await assignment.join('ingest/orders', places)
        const another = await opened.another()
        const b = await another.join('ingest/orders', places)
        await sharedEvenly([a, b], 2)
        const [ofA, ofB] = [await held(a), await held(b)]
        await a.tell(new Map(places.map((place) => [place, 7n])))
        const kept = keepsPositions ? ofA.map((place): [string, bigint] => [place, 7n]) : []
        const told = async (by: Assignment, group: string, of: string[]): Promise<unknown> => {
          const positions = await by.told(group, of)
          assert.equal(positions === null, !keepsPositions)
          return positions ?? new Map()
        }
        assert.deepEqual(await told(another, 'ingest/orders', places), new Map(kept))
        await b.tell(new Map(places.map((place) => [place, 9n])))
        const both = [...kept, ...(keepsPositions ? ofB.map((place): [string, bigint] => [place, 9n]) : [])]
        assert.deepEqual(await told(assignment, 'ingest/orders', places), new Map(both))
        assert.deepEqual(await told(assignment, 'ingest/other', places), new Map())
        assert.deepEqual(await told(assignment, 'ingest/orders', []), new Map())
      },
    )

    promise('groups do not see each other', async (opened) => {
      const a = await opened.assignment.join('ingest', six)
      const b = await (await opened.another()).join('connect', six)
      await settled([a, b], (sets) => assert.deepEqual(sets, [six, six]))
    })
  })
}

async function held(member: Membership): Promise<string[]> {
  return [...(await member.poll())].toSorted()
}

/** A poll that finds the group restless answers what is held so far: how often it does is the machine's. */
const ROUNDS = 60

async function comesToHold(member: Membership, expected: readonly string[]): Promise<void> {
  await settled([member], ([held]) => assert.deepEqual(held, expected))
}

async function sharedEvenly(members: readonly Membership[], each: number): Promise<void> {
  await settled(members, (sets) => {
    assert.deepEqual(
      sets.map(({ length }) => length),
      members.map(() => each),
    )
    assert.deepEqual(new Set(sets.flat()).size, each * members.length)
  })
}

/** What each holds, once the check passes over it; what it throws, where it never does. */
async function settled(members: readonly Membership[], check: (sets: string[][]) => void): Promise<string[][]> {
  for (let round = 1; ; round += 1) {
    const sets: string[][] = []
    for (const member of members) sets.push(await held(member))
    try {
      check(sets)
      return sets
    } catch (error) {
      if (round === ROUNDS) throw error
    }
  }
}
