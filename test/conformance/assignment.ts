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
      assert.deepEqual(await held(a), six)
      assert.deepEqual(await held(a), six)
    })

    promise('members share evenly, hold nothing twice and leave nothing idle, as they come and go', async (opened) => {
      const members = [await opened.assignment.join('g', six)]
      await members[0]!.poll()
      for (const expected of [3, 2]) {
        members.push(await (await opened.another()).join('g', six))
        await settle(members)
        const sets = await Promise.all(members.map(held))
        assert.deepEqual(sets.flat().toSorted(), six)
        assert.deepEqual(
          sets.map(({ length }) => length),
          members.map(() => expected),
        )
      }
      await members.shift()!.leave()
      await settle(members)
      const sets = await Promise.all(members.map(held))
      assert.deepEqual(sets.flat().toSorted(), six)
      assert.deepEqual(
        sets.map(({ length }) => length),
        [3, 3],
      )
    })

    promise('an onlooker is told what live members hold, and takes no part', async (opened) => {
      const onlooker = await opened.another()
      assert.deepEqual([...(await onlooker.held('g'))], [])
      const a = await opened.assignment.join('g', ['r0', 'r1'])
      await a.poll()
      assert.deepEqual([...(await onlooker.held('g'))].toSorted(), ['r0', 'r1'])
      assert.deepEqual([...(await onlooker.held('other'))], [])
      assert.deepEqual(await held(a), ['r0', 'r1'])
      await a.leave()
      assert.deepEqual([...(await onlooker.held('g'))], [])
    })

    promise('what a member releases goes to another that still wants it, and never back', async (opened) => {
      const a = await opened.assignment.join('g', ['r0', 'r1'])
      const b = await (await opened.another()).join('g', ['r0', 'r1'])
      await settle([a, b])
      const [given] = await held(a)
      await a.release([given!])
      await settle([a, b])
      assert.ok((await held(b)).includes(given!))
      assert.ok(!(await held(a)).includes(given!))
      await b.release(['r0', 'r1'])
      await settle([a, b])
      assert.ok(!(await held(a)).includes(given!))
      assert.deepEqual(await held(b), [])
    })

    promise('a member may want more later, and again what it released', async ({ assignment }) => {
      const a = await assignment.join('g', ['r0'])
      assert.deepEqual(await held(a), ['r0'])
      await a.want(['r1'])
      assert.deepEqual(await held(a), ['r0', 'r1'])
      await a.release(['r0'])
      assert.deepEqual(await held(a), ['r1'])
      await a.want(['r0'])
      assert.deepEqual(await held(a), ['r0', 'r1'])
    })

    promise('a member that left holds nothing, and all it held is free', async (opened) => {
      const a = await opened.assignment.join('g', six)
      await a.poll()
      const b = await (await opened.another()).join('g', six)
      await a.leave()
      assert.deepEqual(await held(a), [])
      assert.deepEqual(await held(b), six)
      await a.leave()
    })

    promise('members that want different things do not stand in each other’s way', async (opened) => {
      const a = await opened.assignment.join('g', ['r0', 'r1', 'r2', 'r3'])
      await a.poll()
      const b = await (await opened.another()).join('g', ['r0', 'r9'])
      await settle([a, b])
      assert.ok((await held(b)).includes('r9'))
      assert.deepEqual([...(await held(a)), ...(await held(b))].toSorted(), ['r0', 'r1', 'r2', 'r3', 'r9'])
    })

    promise(
      'what a member tells of what it holds can be looked at, and what it does not hold is never told',
      async (opened) => {
        const { assignment, keepsPositions = false } = opened
        const places = ['t/0', 't/1', 't/2', 't/3']
        const a = await assignment.join('ingest/orders', places)
        const another = await opened.another()
        const b = await another.join('ingest/orders', places)
        await settle([a, b])
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
      await settle([a, b])
      assert.deepEqual(await held(a), six)
      assert.deepEqual(await held(b), six)
    })
  })
}

async function held(member: Membership): Promise<string[]> {
  return [...(await member.poll())].toSorted()
}

async function settle(members: readonly Membership[]): Promise<void> {
  for (let round = 0; round < 4; round += 1) for (const member of members) await member.poll()
}
