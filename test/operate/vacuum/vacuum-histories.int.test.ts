import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeCheckpoint } from '../../../src/lake/checkpoint/write-checkpoint.ts'
import { VACUUM_START } from '../../../src/operate/vacuum/vacuum-mark.ts'
import { vacuumTable } from '../../../src/operate/vacuum/vacuum-table.ts'
import { runSeed } from '../../support/random.ts'
import { HOUR, openVacuumFixture, TABLE, type VacuumFixture } from './vacuum-fixture.ts'

/**
 * Random histories of a table against a plain model of it, which knows every version's files and when it stood. After
 * each vacuum exactly those files are left that some promise covers.
 */

interface Version {
  readonly ms: number
  readonly files: ReadonlySet<string>
}

interface Model {
  readonly versions: Version[]
  readonly writtenMs: Map<string, number>
  readonly everHeld: Set<string>
  reserved: readonly string[]
  reservedUntilMs: number
}

type Step =
  | { readonly do: 'append'; readonly count: number }
  /** Takes some files out and puts others in; a compaction where `same`. */
  | { readonly do: 'rewrite'; readonly pick: number; readonly count: number; readonly same: boolean }
  | { readonly do: 'restore'; readonly back: number }
  | { readonly do: 'orphan' }
  | { readonly do: 'stage'; readonly pick: number }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'vacuum'; readonly hours: number }
  /** Begins, and dies before its first file. */
  | { readonly do: 'die' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    do: fc.constant('rewrite' as const),
    pick: fc.nat(),
    count: fc.integer({ min: 0, max: 2 }),
    same: fc.boolean(),
  }),
  fc.record({ do: fc.constant('restore' as const), back: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant('orphan' as const) }),
  fc.record({ do: fc.constant('stage' as const), pick: fc.nat() }),
  fc.record({ do: fc.constant('checkpoint' as const) }),
  fc.record({ do: fc.constant('wait' as const), hours: fc.constantFrom(1, 20, 60, 100, 200, 300) }),
  fc.record({ do: fc.constant('vacuum' as const), hours: fc.constantFrom(0, 24, 168, 168, 400, 400) }),
  fc.record({ do: fc.constant('die' as const) }),
)

const seed = runSeed()

test(`vacuum keeps every file that a promise covers, and no other, in random histories (SLUICE_SEED=${seed})`, async () => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
    const fixture = openVacuumFixture()
    const model: Model = {
      versions: [],
      writtenMs: new Map(),
      everHeld: new Set(),
      reserved: [],
      reservedUntilMs: 0,
    }
    await append(fixture, model, 2)
    for (const each of steps) await take(fixture, model, each)
    fixture.clock.ms += 1_000 * HOUR
    await vacuumAndCheck(fixture, model, 168)
  })
  await fc.assert(property, { seed, numRuns: 60 })
})

let names = 0

async function take(fixture: VacuumFixture, model: Model, step: Step): Promise<void> {
  const { clock, commit, snapshot, lake, store } = fixture
  const now = model.versions.at(-1)!
  switch (step.do) {
    case 'append':
      return append(fixture, model, step.count)
    case 'rewrite': {
      const { files } = await snapshot()
      const removes = [...files.values()].filter((_, at) => (step.pick >> (at % 20)) % 2 === 0)
      const added = await writeNew(fixture, model, step.count)
      await commit({ adds: added, removes, reads: 'removed-files', dataChange: !step.same })
      const kept = [...now.files].filter((path) => !removes.some((file) => file.path === path))
      return note(fixture, model, new Set([...kept, ...added.map(({ path }) => path)]))
    }
    case 'restore': {
      const at = model.versions.length - 1 - step.back
      const old = model.versions[at]
      if (old === undefined || [...old.files].some((path) => !fixture.paths().includes(path))) return
      const before = await snapshot()
      const wanted = (await snapshot(at)).files
      const adds = [...wanted.values()].filter(({ path }) => !before.files.has(path))
      const removes = [...before.files.values()].filter(({ path }) => !wanted.has(path))
      await commit({ adds, removes, reads: 'table' })
      return note(fixture, model, old.files)
    }
    case 'orphan':
      await writeNew(fixture, model, 1)
      return
    case 'stage': {
      const removes = [...now.files].filter((_, at) => (step.pick >> (at % 20)) % 2 === 0)
      const expires = clock.ms + 24 * HOUR
      const manifest = { form: 1, model: TABLE, files: [], inputs: [], fields: [], removes }
      const text = JSON.stringify({ ...manifest, expires_at: new Date(expires).toISOString() })
      await lake.put(`_staged/${TABLE}/manifest.json`, Buffer.from(text))
      model.reserved = removes
      model.reservedUntilMs = expires
      return
    }
    case 'checkpoint':
      await writeCheckpoint(store, { version: (await snapshot()).version, nowMs: clock.ms })
      return
    case 'wait':
      clock.ms += step.hours * HOUR
      return
    case 'vacuum':
      return vacuumAndCheck(fixture, model, step.hours)
    case 'die':
      await commit({ txns: new Map([[VACUUM_START, BigInt(clock.ms)]]) })
      return note(fixture, model, now.files)
  }
}

async function append(fixture: VacuumFixture, model: Model, count: number): Promise<void> {
  const adds = await writeNew(fixture, model, count)
  await fixture.commit({ adds })
  const before = model.versions.at(-1)?.files ?? new Set()
  note(fixture, model, new Set([...before, ...adds.map(({ path }) => path)]))
}

async function writeNew({ put, clock }: VacuumFixture, model: Model, count: number) {
  const files = []
  for (let i = 0; i < count; i += 1) {
    names += 1
    const file = await put(names % 3 === 0 ? `day=d1/f${names}.parquet` : `f${names}.parquet`)
    model.writtenMs.set(file.path, clock.ms)
    files.push(file)
  }
  return files
}

function note({ clock }: VacuumFixture, model: Model, files: ReadonlySet<string>): void {
  model.versions.push({ ms: clock.ms, files })
  for (const path of files) model.everHeld.add(path)
}

/** Files of versions that stood at some moment of the retention, files that may be about to be committed, staged results. */
function covered({ versions, writtenMs, everHeld, reserved, reservedUntilMs }: Model, nowMs: number, hours: number) {
  const horizonMs = nowMs - hours * HOUR
  const kept = new Set<string>()
  for (const [at, { files }] of versions.entries()) {
    const endMs = versions[at + 1]?.ms ?? Infinity
    if (endMs >= horizonMs) for (const path of files) kept.add(path)
  }
  for (const [path, ms] of writtenMs) {
    if (!everHeld.has(path) && ms >= nowMs - Math.max(hours, 48) * HOUR) kept.add(path)
    if (everHeld.has(path) && ms >= horizonMs) kept.add(path)
  }
  if (reservedUntilMs > nowMs) for (const path of reserved) kept.add(path)
  return kept
}

async function vacuumAndCheck(fixture: VacuumFixture, model: Model, hours: number): Promise<void> {
  const { clock, prepare, world, paths, snapshot } = fixture
  const before = paths()
  const kept = covered(model, clock.ms, hours)
  const prepared = await prepare(hours)
  const ended = await vacuumTable(world, prepared)
  const expected = before.filter((path) => kept.has(path))
  assert.deepEqual(paths(), expected)
  assert.equal(ended.gone.files, before.length - expected.length)
  assert.equal(prepared.plan.goes.length, ended.gone.files)
  const { version, files } = await snapshot()
  while (model.versions.length <= version) note(fixture, model, model.versions.at(-1)!.files)
  assert.deepEqual([...files.keys()].sort(), [...model.versions.at(-1)!.files].sort())
}
