import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openFilesystemStore } from '../../src/adapters/filesystem/filesystem-store.ts'
import { SluiceError } from '../../src/domain/errors.ts'
import { dataFile, openTable, step } from '../lake/table-steps.ts'
import type { DeltaEngine, EngineName } from '../services/delta-engine.ts'
import { actOn, BRONZE, CHANGING_ACTS, MODEL_KINDS, NEUTRAL_ACTS, type Act, type Kind } from './foreign-acts.ts'
import { FOREIGN_FEATURES } from './foreign-features.ts'
import { APPS, checkPlainInput, ENGINES, missing, openInteropWorld, type InteropWorld } from './interop-world.ts'
import type { RichProject } from './rich-project.ts'
import { assertSame, readOurs, rowsOf, textsOf, type SeenRow } from './seen-rows.ts'

/**
 * deltalake and Spark write to our tables in turn with us, and turn features on. An act or a kind is a line of
 * `foreign-acts.ts`, a feature one of `foreign-features.ts`.
 */

let world: InteropWorld
let project: RichProject

before(async () => {
  world = await openInteropWorld()
  project = world.project
  await project.produce(40)
  await project.run('run')
  await project.remove(['k3'])
  await project.run('run')
  await project.run('build', '--as-of', '2026-01-02')
})
after(() => world.close())

for (const name of ENGINES) {
  describe(`${name} writes to our tables, in turn with us`, { skip: missing.get(name) ?? true }, () => {
    let turn = 0

    for (const act of [...NEUTRAL_ACTS, ...CHANGING_ACTS]) {
      it(`${act.name} of bronze: verify says so, and ingest goes on from its position`, async () => {
        const { engine, uri } = place(name, BRONZE)
        turn += 1
        const on = actOn(BRONZE, await readOurs(uri), turn)
        await agree(engine, uri, await act.run(engine, uri, on))
        await checkProof(act.breaks, on.row)
        if (act.breaks !== null || act.name === 'MERGE') await replayRow(on.row)
        await project.produce(3)
        await project.run('run')
        await checkProof(null, on.row)
        await checkPlainInput(project)
        assert.deepEqual((await readOurs(uri, APPS)).txns.slice(0, 2), project.ends)
      })
    }

    for (const kind of MODEL_KINDS) {
      it(`OPTIMIZE, ZORDER and VACUUM of ${kind.table}: it holds the same rows`, () => actAll(name, kind, NEUTRAL_ACTS))
    }

    it('and increments go on from there', async () => {
      await project.produce(4)
      await project.run('run')
      await checkPlainInput(project)
    })

    for (const kind of MODEL_KINDS) {
      it(`MERGE, append and DELETE of ${kind.table}: we read what they left`, () => actAll(name, kind, CHANGING_ACTS))
    }

    it('and a rebuild makes the models right again', async () => {
      await project.run('build', '--full-refresh')
      await checkPlainInput(project)
      for (const { table } of MODEL_KINDS) {
        const { engine, uri } = place(name, { table })
        assertSame(await engine.read(uri, APPS), await readOurs(uri, APPS), table)
      }
    })
  })
}

describe('what another engine turns on is followed, or refused by name', () => {
  for (const { name, engine, statements, refused, left = [1, 2, 3] } of FOREIGN_FEATURES) {
    it(`${engine}: ${name}`, { skip: missing.get(engine) ?? true }, async () => {
      const store = openFilesystemStore(join(world.folder, 'features', `${engine} ${name}`.replaceAll(' ', '-')))
      await step(store, await step(store, null), { adds: [await dataFile(store, [1, 2, 3])] })
      for (const statement of statements) await world.engine(engine).run(store.uri, statement)
      const append = async () => step(store, await openTable(store), { adds: [await dataFile(store, [4])] })
      if (refused === null) {
        await append()
        const { columns } = await world.engine(engine).read(store.uri)
        assert.deepEqual(
          columns['n']!.map(Number).sort((a, b) => a - b),
          [...left, 4],
        )
        return
      }
      await assert.rejects(append, (error) => {
        assert.ok(error instanceof SluiceError && error.code === 'TABLE_UNSUPPORTED', String(error))
        assert.match(String(error.where['key']), refused)
        return true
      })
    })
  }
})

function place(name: EngineName, { table }: { readonly table: string }): { engine: DeltaEngine; uri: string } {
  return { engine: world.engine(name), uri: join(project.lake, table) }
}

async function actAll(name: EngineName, kind: Kind, acts: readonly Act[]): Promise<void> {
  const { engine, uri } = place(name, kind)
  let on = actOn(kind, await readOurs(uri), 0)
  for (const [nth, act] of acts.entries()) {
    const rows = await act.run(engine, uri, { ...on, row: actOn(kind, await readOurs(uri), nth).row })
    on = { ...on, rows }
  }
  await agree(engine, uri, on.rows)
}

/** The engine and we read the rows that plain reckoning gives, and the same schema, sums and positions. */
async function agree(engine: DeltaEngine, uri: string, rows: readonly SeenRow[]): Promise<void> {
  const ours = await readOurs(uri, APPS)
  assert.deepEqual(textsOf(rowsOf(ours.columns)), textsOf(rows))
  assertSame(await engine.read(uri, APPS), ours, uri)
}

interface Proof {
  readonly ok: boolean
  readonly tables: readonly { readonly table: string; readonly partitions: readonly ProofOfPartition[] }[]
}
interface ProofOfPartition {
  readonly partition: number
  readonly missing: readonly (readonly [string, string])[]
  readonly doubled: readonly (readonly [string, string])[]
}

/** `verify` holds, or fails and names the row's offset alone. */
async function checkProof(breaks: Act['breaks'], row: SeenRow): Promise<void> {
  const ended = await project.end('verify')
  assert.equal(ended.code, breaks === null ? 0 : 1, ended.stdout)
  const offset = BigInt(row['_offset'] as string)
  for (const { table, partitions } of (JSON.parse(ended.stdout) as Proof).tables) {
    for (const { partition, missing: lost, doubled } of partitions) {
      const own = table === 'bronze.things' && String(partition) === row['_partition']
      const named = [[offset.toString(), (offset + 1n).toString()]]
      assert.deepEqual(lost, own && breaks === 'missing' ? named : [])
      assert.deepEqual(doubled, own && breaks === 'doubled' ? named : [])
    }
  }
}

/** Mends what another engine did to a row of bronze: the log still has its record. */
async function replayRow(row: SeenRow): Promise<void> {
  const [partition, offset] = [String(row['_partition']), BigInt(row['_offset'] as string)]
  const range = ['--from-offset', String(offset), '--to-offset', String(offset + 1n)]
  await project.run(
    'replay',
    '--topic',
    'things',
    '--table',
    'bronze.things',
    '--partition',
    partition,
    ...range,
    '--yes',
  )
}
