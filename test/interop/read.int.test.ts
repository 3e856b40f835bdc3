import assert from 'node:assert/strict'
import { readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  APPS,
  checkPlainInput,
  everyEngine,
  namesOf,
  openInteropWorld,
  tablesOf,
  type InteropWorld,
} from './interop-world.ts'
import type { RichProject } from './rich-project.ts'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { setProperty } from '../support/alter-table.ts'
import { makeTypedTable, UNBOUNDED } from './filters.ts'
import { assertSame, readOurs } from './seen-rows.ts'

/**
 * deltalake and Spark read every kind of table that a project makes after every kind of operation, and agree with us. A
 * new kind is a line of `rich-project.ts`, a new operation one of these.
 */

let world: InteropWorld
let project: RichProject

before(async () => {
  world = await openInteropWorld()
  project = world.project
})
after(() => world.close())

/** What we do, in this order. Each leaves `project` knowing which rows should be there. */
const OPERATIONS: readonly (readonly [name: string, act: () => Promise<unknown>])[] = [
  ['the first ingest', async () => (await project.produce(40), await project.run('ingest'))],
  ['the first build', () => project.run('build')],
  ['fields that the contract does not know', async () => (await project.produce(6, 'extra'), await project.run('run'))],
  [
    'deleted keys and rows refused',
    async () => {
      await project.remove(['k3', 'k8'])
      await project.produceRefused(4)
      return project.run('run')
    },
  ],
  [
    'a redrive under a looser contract',
    async () => {
      await project.propose('loose')
      await project.run('errors', 'redrive', '--yes')
      project.redriven()
      return project.run('build')
    },
  ],
  ['a replay', () => project.run('replay', '--topic', 'things', '--partition', '0', '--from-offset', '5', '--yes')],
  [
    'a reset, and what is read again',
    async () => {
      await project.run('checkpoint', 'reset', '--topic', 'things', '--partition', '1', '--to-offset', '7', '--yes')
      return project.run('run')
    },
  ],
  [
    'a column more',
    async () => {
      await project.propose('noted')
      await project.produce(5, 'noted')
      return project.run('run')
    },
  ],
  ['snapshots as of a date', () => project.run('build', '--as-of', '2026-01-02')],
  [
    'a restored version, and what is read again',
    async () => {
      await project.run('table', 'restore', 'bronze.things', '--to-version', '0', '--yes')
      return project.run('run')
    },
  ],
  ['few files of many', async () => project.run('optimize', ...(await namesOf(project.lake)))],
  [
    'clustered files',
    () => project.run('optimize', 'bronze.things', 'silver.things', 'gold.dim_thing', '--zorder', 'price,id'),
  ],
  [
    'a vacuum',
    async () =>
      project.run('vacuum', ...(await namesOf(project.lake)), '--retain-hours', '0', '--allow-short', '--yes'),
  ],
  ['a rebuild', () => project.run('build', '--full-refresh')],
  [
    'a checkpoint in several parts, and no log before it',
    async () => {
      const table = join(project.lake, 'bronze/things')
      await setProperty(table, 'sluice.checkpointPartActions', '5')
      await setProperty(table, 'delta.checkpointInterval', '1')
      await project.produce(5, 'noted')
      await project.run('run')
      const log = join(table, '_delta_log')
      const hint = JSON.parse(await readFile(join(log, '_last_checkpoint'), 'utf8')) as Record<string, number>
      assert.ok(hint['parts']! > 1, 'it has one part')
      const first = String(hint['version']).padStart(20, '0')
      for (const name of await readdir(log)) if (/^\d{20}\./.test(name) && name < first) await unlink(join(log, name))
    },
  ],
]

describe('what we write, others read', () => {
  const read = new Map<string, number>()
  for (const [name, act] of OPERATIONS) {
    it(name, async (t) => {
      await act()
      await checkPlainInput(project)
      const tables = await tablesOf(project.lake)
      for (const table of tables) {
        const uri = join(project.lake, table)
        const ours = await readOurs(uri, APPS)
        if (read.get(table) === ours.version) continue
        read.set(table, ours.version)
        await everyEngine({ t, world }, `${table} version ${ours.version}`, async (engine) =>
          assertSame(await engine.read(uri, APPS), ours, `${table} by ${engine.name}`),
        )
      }
    })
  }

  it('every kind was there', async () => {
    assert.deepEqual(await tablesOf(project.lake), [
      'bronze/grown',
      'bronze/things',
      'gold/dim_date',
      'gold/dim_date_snapshot',
      'gold/dim_thing',
      'gold/dim_thing_snapshot',
      'gold/fact_thing',
      'gold/fact_thing_snapshot',
      'gold/totals',
      'gold/totals_snapshot',
      'silver/things',
      'silver/things_snapshot',
    ])
  })

  it('a condition on a column of any type leaves no row out that a whole scan holds, but for what deltalake hides where there are no bounds', async (t) => {
    const uri = join(world.folder, 'typed')
    await makeTypedTable(openFilesystemStore(uri), world.folder)
    await everyEngine({ t, world }, 'typed', async (engine) => {
      const all = await engine.filters(uri)
      assert.ok(all.length > 60, `${all.length} conditions`)
      const wrong = all.filter(({ found, held }) => found !== held)
      // delta-io/delta-rs#3173. Where it is mended there, docs/interoperability.md should say so.
      const hides = engine.name === 'deltalake' ? UNBOUNDED : []
      assert.deepEqual([...new Set(wrong.map(({ column }) => column))].sort(), hides, JSON.stringify(wrong))
    })
  })

  it('a filter on any plain column finds what a whole scan holds', async (t) => {
    for (const table of await tablesOf(project.lake)) {
      await everyEngine({ t, world }, table, async (engine) => {
        for (const [column, found, held] of await engine.probe(join(project.lake, table))) {
          assert.ok(held > 0)
          assert.equal(found, held, `${table}.${column}`)
        }
      })
    }
  })
})
