import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { commitTransaction } from '../../src/lake/commit.ts'
import type { CommitReads } from '../../src/lake/conflict.ts'
import { openSnapshot } from '../../src/lake/snapshot.ts'
import type { AddFile } from '../../src/lake/snapshot.ts'
import { MemoryStore } from '../conformance/memory-store.ts'
import { loggedFile, openTable, step, testClock, transaction } from './table-steps.ts'

/**
 * Commits that were prepared on the same version, against a model that knows nothing of logs: a table is rows by file.
 * What a merge writes hangs on every row that it read, so an order that was not kept shows in the rows.
 */

interface Row {
  readonly key: number
  readonly day: string
  readonly value: number
}

type Work =
  | { readonly kind: 'append'; readonly rows: readonly Row[] }
  /** Joins the files of a day. */
  | { readonly kind: 'compact'; readonly day: string }
  /** Rewrites the rows of a day, each with the count and sum of those read. */
  | { readonly kind: 'merge'; readonly day: string }
  /** The same for rows of keys up to a bound, on all days. */
  | { readonly kind: 'merge-keys'; readonly max: number }
  /** One row for all that was there. */
  | { readonly kind: 'overwrite' }

interface Plan {
  readonly adds: readonly (readonly Row[])[]
  /** Numbers of files. */
  readonly removes: readonly number[]
  readonly reads: CommitReads
  readonly dataChange: boolean
}

type Files = ReadonlyMap<number, readonly Row[]>

const DAYS = ['d1', 'd2', 'd3']

function planOf(work: Work, files: Files): Plan {
  const all = [...files]
  const replace = (held: typeof all, touched: (row: Row) => boolean, reads: CommitReads): Plan => {
    const read = held.flatMap(([, rows]) => rows).filter(touched)
    const mark = read.length * 1000 + read.reduce((sum, row) => (sum * 31 + row.key + row.value) % 997, 7)
    const changed = held.filter(([, rows]) => rows.some(touched))
    const adds = changed.flatMap(([, rows]) => byDay(rows.map((row) => (touched(row) ? { ...row, value: mark } : row))))
    // Also where nothing was found: what is written tells that.
    const told = { key: 0, day: read[0]?.day ?? 'd1', value: mark }
    return {
      adds: read.length === 0 ? [[told]] : adds,
      removes: changed.map(([number]) => number),
      reads,
      dataChange: true,
    }
  }
  switch (work.kind) {
    case 'append':
      return { adds: byDay(work.rows), removes: [], reads: 'nothing', dataChange: true }
    case 'compact': {
      const held = all.filter(([, rows]) => rows[0]!.day === work.day)
      const joined = held.flatMap(([, rows]) => rows)
      return {
        adds: joined.length === 0 ? [] : [joined],
        removes: held.map(([number]) => number),
        reads: 'removed-files',
        dataChange: false,
      }
    }
    case 'merge':
      return replace(all, (row) => row.day === work.day, { partitions: [{ day: work.day }], within: [] })
    case 'merge-keys':
      return replace(all, (row) => row.key <= work.max, { partitions: null, within: [{ column: 'n', max: work.max }] })
    case 'overwrite':
      return replace(all, () => true, 'table')
  }
}

function byDay(rows: readonly Row[]): Row[][] {
  return DAYS.map((day) => rows.filter((row) => row.day === day)).filter((part) => part.length > 0)
}

function serial(works: readonly Work[], start: Files): string {
  let files = new Map(start)
  for (const work of works) {
    const { adds, removes } = planOf(work, files)
    files = new Map([...files].filter(([number]) => !removes.includes(number)))
    for (const rows of adds) files.set(1000 + files.size + Math.max(0, ...files.keys()), rows)
  }
  return told([...files.values()].flat())
}

function told(rows: readonly Row[]): string {
  return rows
    .map(({ key, day, value }) => `${day}/${key}/${value}`)
    .sort()
    .join(' ')
}

const row = fc.record({
  key: fc.integer({ min: 0, max: 9 }),
  day: fc.constantFrom(...DAYS),
  value: fc.integer({ min: 0, max: 9 }),
})
const rows = fc.array(row, { minLength: 1, maxLength: 4 })
const day = fc.constantFrom(...DAYS)
const work: fc.Arbitrary<Work> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), rows }),
  fc.record({ kind: fc.constant('compact' as const), day }),
  fc.record({ kind: fc.constant('merge' as const), day }),
  fc.record({ kind: fc.constant('merge-keys' as const), max: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ kind: fc.constant('overwrite' as const) }),
)

class Lake {
  readonly store = new MemoryStore()
  readonly #rows: (readonly Row[])[] = []

  /** A file of the log whose statistics are those of its rows. */
  file(held: readonly Row[]): ReturnType<typeof loggedFile> {
    this.#rows.push(held)
    const keys = held.map(({ key }) => key)
    const [min, max] = [Math.min(...keys), Math.max(...keys)]
    return loggedFile(`f${this.#rows.length - 1}`, {
      partitionValues: { day: held[0]!.day },
      rows: held.length,
      statsText: JSON.stringify({
        numRecords: held.length,
        minValues: { n: min },
        maxValues: { n: max },
        nullCount: { n: 0 },
      }),
    })
  }

  async files(): Promise<Files> {
    const { files } = await openTable(this.store)
    return new Map(Array.from(files.values(), (file) => [numberOf(file), this.#rows[numberOf(file)]!]))
  }
}

function numberOf({ path }: AddFile): number {
  return Number(path.slice(1))
}

test('commits prepared at one time leave the rows of some serial order, in that of the log where they state what they read', async () => {
  let passed = 0
  let conflicted = 0
  await fc.assert(
    fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 5 }), work, work, async (made, first, second) => {
      const lake = new Lake()
      const made0 = made.flatMap(byDay).map((held) => lake.file(held))
      await step(lake.store, null, { adds: made0 })
      const start = await lake.files()
      const snapshot = (await openSnapshot(lake.store))!
      const outcomes = []
      for (const each of [first, second]) {
        const plan = planOf(each, start)
        const outcome = await commitTransaction(
          transaction(lake.store, snapshot, {
            adds: plan.adds.map((held) => lake.file(held)),
            removes: plan.removes.map((number) => snapshot.files.get(`f${number}`)!),
            reads: plan.reads,
            dataChange: plan.dataChange,
            clock: testClock(),
          }),
        )
        outcomes.push(outcome.kind)
      }
      assert.equal(outcomes[0], 'committed')
      const found = told([...(await lake.files()).values()].flat())
      if (outcomes[1] === 'conflicted') {
        conflicted += 1
        assert.notEqual(second.kind, 'append', 'an append was refused')
        assert.ok(second.kind !== 'compact' || first.kind !== 'append', 'an append kept a compaction from its commit')
        assert.equal(found, serial([first], start))
        return
      }
      passed += 1
      const inLogOrder = serial([first, second], start)
      const orders =
        typeof planOf(second, start).reads === 'string' && second.kind !== 'overwrite'
          ? [inLogOrder, serial([second, first], start)]
          : [inLogOrder]
      assert.ok(orders.includes(found), `${found} is none of ${orders.join(' | ')}`)
    }),
    { numRuns: 400 },
  )
  assert.ok(passed > 20 && conflicted > 20, `${passed} passed and ${conflicted} conflicted: too few to tell`)
})
