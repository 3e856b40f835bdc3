import { parseContract } from '../../contract/parse-contract.ts'
import type { ColumnBatch, ColumnField } from '../../domain/column-batch.ts'
import { landingFields } from '../../domain/contract.ts'
import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, parseTableName } from '../../domain/identifier.ts'
import type { TestRow, TestValue } from '../../domain/model-test.ts'
import type { BronzeTableSettings } from '../../domain/settings.ts'
import { RUN_DATE, SYSTEM_FIELDS } from '../../ingest/rows/system-columns.ts'
import { commitTransaction } from '../../lake/commit.ts'
import { writeDataFile } from '../../lake/data-file.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { World } from '../../ports/world.ts'
import { readProposals } from '../../settings/read-proposals.ts'
import type { ModelNode } from '../../transform/graph.ts'
import { runModel, type BuildWorld } from '../../transform/run-model.ts'

/** Small lakes that tests build their models in: real tables in a folder that goes with the process. */
export type TestLakeWorld = BuildWorld & Pick<World, 'storeAt' | 'registry'>

export async function freshLake(world: TestLakeWorld): Promise<ObjectStore> {
  return world.storeAt(await world.stagingFolder('test'))
}

/** Makes a table with these rows. */
export async function writeTable(
  world: Pick<World, 'clock'>,
  store: ObjectStore,
  { fields, rows }: { readonly fields: readonly ColumnField[]; readonly rows: ColumnBatch | null },
): Promise<void> {
  const file = {
    store,
    fields,
    partitionColumns: [],
    partitionValues: {},
    // the table goes with the process, and its rows are the developer's own
    unstated: new Set<string>(),
    newId: () => world.clock.newId(),
  }
  await commitTransaction({
    store,
    snapshot: null,
    create: { fields, partitionColumns: [], configuration: {} },
    adds: rows === null || rows.length === 0 ? [] : [await writeDataFile({ ...file, batches: [rows] })],
    removes: [],
    txns: new Map(),
    expectTxns: new Map(),
    reads: 'nothing',
    dataChange: true,
    operation: { name: 'WRITE', parameters: {}, metrics: {} },
    clock: world.clock,
  })
}

/** Builds one model from what the lake holds; what goes wrong is thrown. */
export async function buildIn(world: TestLakeWorld, lake: ObjectStore, node: ModelNode): Promise<void> {
  const outcome = await runModel({
    world: { ...world, lake },
    node,
    nodes: [],
    fullRefresh: false,
    dryRun: false,
    judge: async () => ({ kind: 'passed' }),
    emit: () => undefined,
  })
  if (outcome.outcome === 'skipped') throw new SluiceError('BUG', `${node.name} was not built: ${outcome.reason}`)
}

/**
 * The columns of tables: bronze by their contract as proposed in `paths.schemas`, else as registered; models by
 * building them, and what they read, from nothing.
 */
export class TableFields {
  readonly #world: TestLakeWorld
  readonly #nodes: ReadonlyMap<string, ModelNode>
  readonly #known = new Map<string, Promise<readonly ColumnField[]>>()
  #empty: Promise<ObjectStore> | null = null

  constructor(world: TestLakeWorld, nodes: ReadonlyMap<string, ModelNode>) {
    this.#world = world
    this.#nodes = nodes
  }

  of(table: string): Promise<readonly ColumnField[]> {
    const known = this.#known.get(table)
    if (known !== undefined) return known
    const found = this.#find(table)
    this.#known.set(table, found)
    return found
  }

  async #find(table: string): Promise<readonly ColumnField[]> {
    const name = parseTableName(table)
    if (name.layer === 'bronze') return bronzeFields(this.#world, name.table)
    const node = this.#nodes.get(table)
    if (node === undefined) throw new SluiceError('MODEL_UNKNOWN', `there is no model ${table}`, { where: { table } })
    this.#empty ??= freshLake(this.#world)
    const lake = await this.#empty
    for (const input of node.inputs) {
      const fields = await this.of(formatTableName(input))
      const store = lake.at(`${input.layer}/${input.table}`)
      if (input.layer === 'bronze' && (await openSnapshot(store)) === null) {
        await writeTable(this.#world, store, { fields, rows: null })
      }
    }
    await buildIn(this.#world, lake, node)
    const snapshot = await openSnapshot(lake.at(`${name.layer}/${name.table}`))
    if (snapshot === null) throw new SluiceError('BUG', `${table} was built and is not there`)
    return snapshot.metadata.fields
  }
}

async function bronzeFields({ settings, registry }: TestLakeWorld, table: string): Promise<readonly ColumnField[]> {
  const declared = settings.tables.get(table)
  if (declared === undefined) {
    throw new SluiceError('TABLE_UNKNOWN', `bronze.${table} is not declared in tables.bronze`, {
      where: { table: `bronze.${table}` },
    })
  }
  const contract = await contractOf({ settings, registry }, declared)
  return [...landingFields(contract), ...Object.values(SYSTEM_FIELDS), RUN_DATE].map((field) => ({
    ...field,
    nullable: true,
  }))
}

async function contractOf(
  { settings, registry }: Pick<World, 'settings' | 'registry'>,
  { table, subject, pinnedVersion }: BronzeTableSettings,
) {
  const folder = settings.paths.schemas
  const proposals = pinnedVersion === null ? await readProposals({ folder, named: [], cwd: folder }) : []
  const proposed = proposals.find((each) => each.subject === subject)
  if (proposed !== undefined) return parseContract({ ...proposed, version: 0, id: 0 })
  const schema =
    pinnedVersion === null ? await registry.latest(subject) : await registry.version(subject, pinnedVersion)
  if (schema !== null) return parseContract(schema)
  throw new SluiceError(
    'CONTRACT_MISSING',
    `bronze.${table} has no contract: neither ${folder} nor the registry has ${subject}`,
    {
      where: { table: `bronze.${table}`, subject },
    },
  )
}

const EPOCH = '1970-01-01T00:00:00Z'

/** What a given row holds where it does not say: a created record of partition 0, the offset being its place. */
export function defaultOf(
  settings: World['settings'],
  table: string,
): (column: string, row: TestRow, index: number) => TestValue {
  const name = parseTableName(table)
  const topic = settings.tables.get(name.table)?.topic ?? name.table
  if (name.layer !== 'bronze') {
    return (column, row) => {
      if (column === '_deleted') return 'false'
      if (column === 'is_current' && row.values.has('valid_from'))
        return String((row.values.get('valid_to') ?? null) === null)
      return null
    }
  }
  const constants: Readonly<Record<string, string>> = {
    _ingest_ts: EPOCH,
    _record_ts: EPOCH,
    _run_date: '1970-01-01',
    _batch_id: '00000000-0000-4000-8000-000000000000',
    _source_system: 'test',
    _topic: topic,
    _partition: '0',
    _epoch: '0',
    _op: 'c',
    _schema_id: '1',
    _contract_id: '1',
  }
  return (column, _row, index) => (column === '_offset' ? String(index) : (constants[column] ?? null))
}
