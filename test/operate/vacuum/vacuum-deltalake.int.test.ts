import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFilesystemStore } from '../../../src/adapters/filesystem/filesystem-store.ts'
import { writeCheckpoint } from '../../../src/lake/checkpoint/write-checkpoint.ts'
import { temporaryName } from '../../../src/domain/store-path.ts'
import { storePath } from '../../../src/lake/log/file-key.ts'
import type { Snapshot } from '../../../src/lake/snapshot.ts'
import { prepareVacuum } from '../../../src/operate/vacuum/prepare-vacuum.ts'
import { vacuumTable } from '../../../src/operate/vacuum/vacuum-table.ts'
import { dataFile, step } from '../../lake/table-steps.ts'
import { findPython } from '../../services/python.ts'
import { runSeed, seededRandom } from '../../support/random.ts'
import { HOUR, openVacuumFixture } from './vacuum-fixture.ts'

const found = await findPython()
const seed = runSeed()

const READ_VERSIONS = `
import deltalake, json, os, sys
assert os.path.isdir(sys.argv[1])
seen = []
for version in json.loads(sys.argv[2]):
    try:
        seen.append(sorted(deltalake.DeltaTable(sys.argv[1], version=version).to_pyarrow_table()['n'].to_pylist()))
    except Exception as error:
        seen.append(type(error).__name__)
table = deltalake.DeltaTable(sys.argv[1])
print(json.dumps({'seen': seen, 'history': [each['operation'] for each in table.history(3)],
  'files': len(table.file_uris()), 'left': [path for full in (False, True)
    for path in table.vacuum(retention_hours=168, dry_run=True, full=full) if os.path.exists(os.path.join(sys.argv[1], path))]}))`

test(
  `after a vacuum deltalake reads every version within the retention, row for row (SLUICE_SEED=${seed})`,
  { skip: found.skip },
  async (t) => {
    assert.ok(found.skip === false)
    const random = seededRandom(seed)
    const root = await mkdtemp(join(tmpdir(), 'sluice-vacuum-lake-'))
    t.after(() => rm(root, { recursive: true, force: true }))
    const { world, clock } = openVacuumFixture()
    const lake = openFilesystemStore(root)
    const store = lake.at('silver/things')
    const endMs = Date.now()
    clock.ms = endMs - 500.5 * HOUR
    const versions: { readonly ms: number; readonly rows: readonly number[] }[] = []
    const rowsOf = new Map<string, readonly number[]>()
    let table: Snapshot | null = null
    let n = 0
    while (clock.ms < endMs - 20 * HOUR) {
      const values = [n, n + 1, n + 2]
      n += 3
      const add = await dataFile(store, values, n % 2 === 0 ? 'd1' : 'a b')
      const at = new Date(clock.ms)
      await utimes(join(root, 'silver/things', storePath(add.path)), at, at)
      rowsOf.set(add.path, values)
      const removes: Snapshot['files'] extends ReadonlyMap<string, infer F> ? F[] : never = []
      for (const file of table?.files.values() ?? []) if (random() < 0.3) removes.push(file)
      table = await step(store, table, { adds: [add], removes, reads: 'removed-files', clock })
      versions.push({
        ms: clock.ms,
        rows: [...table.files.keys()].flatMap((path) => rowsOf.get(path)!).sort((a, b) => a - b),
      })
      if (table.version % 7 === 5) await writeCheckpoint(store, { version: table.version, nowMs: clock.ms })
      clock.ms += (1 + Math.floor(random() * 30)) * HOUR
    }
    clock.ms = endMs
    const folder = join(root, 'silver/things')
    const half = [temporaryName(randomUUID()), temporaryName(randomUUID())]
    for (const name of half) await writeFile(join(folder, name), 'half')
    await utimes(join(folder, half[0]!), new Date(endMs - 49 * HOUR), new Date(endMs - 49 * HOUR))
    const prepared = await prepareVacuum(
      { lake, clock },
      { table: 'silver.things', retainMs: 168 * HOUR, allowShort: false },
    )
    assert.ok(prepared.plan.goes.length > 0)
    assert.equal((await vacuumTable({ ...world, lake }, prepared)).outcome, 'vacuumed')

    const names = await readdir(folder)
    assert.deepEqual(
      half.map((name) => names.includes(name)),
      [false, true],
    )
    const seen = (await found.python.json(READ_VERSIONS, store.uri, JSON.stringify(versions.map((_, at) => at)))) as {
      readonly seen: readonly (readonly number[] | string)[]
      readonly history: readonly string[]
      readonly files: number
      readonly left: readonly string[]
    }
    const horizonMs = endMs - 168 * HOUR
    const within = versions.filter((_, at) => (versions[at + 1]?.ms ?? Infinity) >= horizonMs).length
    assert.ok(within > 3)
    assert.deepEqual(
      seen.seen.slice(-within),
      versions.slice(-within).map(({ rows }) => rows),
    )
    // What is beyond it may be gone, and then is told, never read in part.
    for (const [at, rows] of seen.seen.slice(0, -within).entries()) {
      if (typeof rows !== 'string') assert.deepEqual(rows, versions[at]!.rows)
    }
    assert.ok(seen.seen.some((rows) => typeof rows === 'string'))
    assert.deepEqual(seen.history.slice(0, 2), ['VACUUM END', 'VACUUM START'])
    // It leaves no more behind than deltalake's own vacuum would, by tombstones (which name what is gone too) or by listing.
    assert.deepEqual(seen.left, [])
  },
)
