import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { arrowCell } from '../services/arrow-cells.ts'
import { engineMissing, startEngine, type DeltaEngine, type EngineName } from '../services/delta-engine.ts'
import { temporaryFolder } from '../support/sluice.ts'
import { RichProject, THING_FIELDS, type Thing } from './rich-project.ts'
import { readOurs, rowsOf, textsOf, type SeenRow } from './seen-rows.ts'

/** A project and a session of every engine that is there, for a whole test file. */

export const ENGINES: readonly EngineName[] = ['deltalake', 'spark']
/** Why an engine is not here, or false. */
export const missing = new Map(
  await Promise.all(ENGINES.map(async (name) => [name, await engineMissing(name)] as const)),
)
/** Whose positions are compared; one that there is none of too. */
export const APPS = ['sluice/things/0', 'sluice/things/1', 'sluice/things/0/source', 'sluice/operate', 'sluice/none']

export interface InteropWorld {
  readonly folder: string
  readonly project: RichProject
  readonly engine: (name: EngineName) => DeltaEngine
  close(): Promise<void>
}

export async function openInteropWorld(): Promise<InteropWorld> {
  const folder = await temporaryFolder('interop')
  const project = new RichProject(folder.path)
  await project.write()
  const engines = new Map<EngineName, DeltaEngine>()
  for (const name of ENGINES) if (missing.get(name) === false) engines.set(name, await startEngine(name))
  return {
    folder: folder.path,
    project,
    engine: (name) => engines.get(name)!,
    async close() {
      await Promise.all([...engines.values()].map((engine) => engine.close()))
      await folder.remove()
    },
  }
}

/** Bronze holds every record that passed under its offset, and silver the newest of each key. */
export async function checkPlainInput(project: RichProject): Promise<void> {
  const bronze = rowsOf((await readOurs(join(project.lake, 'bronze/things'))).columns)
  const at = (row: SeenRow): string => `${String(row['_partition'])}/${String(row['_offset'])}`
  assert.deepEqual(
    textsOf(bronze.map((row) => ({ at: at(row), ...own(row) }))),
    textsOf(Array.from(project.landed, ([place, each]) => ({ at: place, ...cellsOf(each) }))),
  )
  if (!(await tablesOf(project.lake)).includes('silver/things')) return
  const silver = rowsOf((await readOurs(join(project.lake, 'silver/things'))).columns)
  const brief = ({ id, n, price }: SeenRow): SeenRow => ({ id, n, price })
  assert.deepEqual(
    textsOf(silver.filter((row) => row['_deleted'] === false).map(brief)),
    textsOf([...project.newest.values()].flatMap((each) => (each === null ? [] : [brief(cellsOf(each))]))),
  )
}

function own(row: SeenRow): SeenRow {
  return Object.fromEntries(THING_FIELDS.map(({ name }) => [name, row[name]]))
}

function cellsOf(each: Thing): SeenRow {
  return Object.fromEntries(THING_FIELDS.map(({ name, type }) => [name, arrowCell(type, each[name]!)]))
}

/** Every table of the lake, as `layer/table`. */
export async function tablesOf(lake: string): Promise<string[]> {
  const tables: string[] = []
  for (const layer of ['bronze', 'silver', 'gold']) {
    const names: string[] = await readdir(join(lake, layer)).catch(() => [])
    tables.push(...names.map((name) => `${layer}/${name}`))
  }
  return tables.sort()
}

/** As verbs name them. */
export async function namesOf(lake: string): Promise<string[]> {
  return (await tablesOf(lake)).map((table) => table.replace('/', '.'))
}

export async function everyEngine(
  { t, world }: { readonly t: TestContext; readonly world: InteropWorld },
  name: string,
  act: (engine: DeltaEngine) => Promise<void>,
): Promise<void> {
  for (const [engine, skip] of missing) {
    await t.test(`${name}: ${engine}`, { skip: skip ?? true }, () => act(world.engine(engine)))
  }
}
