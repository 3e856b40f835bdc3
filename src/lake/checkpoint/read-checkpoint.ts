import type { Column, ColumnField } from '../../domain/column-batch.ts'
import { cellsOf } from '../../parquet/decode/read-cell.ts'
import { readParquetGroups } from '../../parquet/read-parquet.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { Action } from '../log/action.ts'
import { isObject } from '../log/log-json.ts'
import { SIDECARS } from '../log/log-file.ts'
import type { CheckpointFiles } from '../log/log-file.ts'
import { damagedEntry, parseEntry, readActions } from '../log/read-action.ts'
import { LogState } from '../log/replay.ts'
import { cellJson } from './cell-json.ts'
import { addsOf, LAZY_STATS, StatsShelf } from './checkpoint-adds.ts'
import type { AddColumn } from './checkpoint-adds.ts'
import { structStats } from './stats-struct.ts'

/** The columns that bear on a table's state; others, such as those of later protocols, are not even decoded. */
const COLUMNS = ['txn', 'add', 'remove', 'metaData', 'protocol', 'sidecar']

/**
 * The state that a checkpoint holds: classic, in several parts, or of the V2 form with sidecars (PROTOCOL,
 * "Checkpoints"). Null where a part or a sidecar is gone; throws where one is damaged.
 */
export async function readCheckpoint(store: ObjectStore, checkpoint: CheckpointFiles): Promise<LogState | null> {
  const state = new LogState()
  for (const path of checkpoint.paths) {
    const sidecars: string[] = []
    if (!(await applyFile(store, path, state, sidecars))) return null
    for (const sidecar of sidecars) {
      if (!(await applyFile(store, sidecarPath(sidecar), state, []))) return null
    }
  }
  return state
}

/** A row group at a time; false where the file is gone. */
async function applyFile(store: ObjectStore, path: string, state: LogState, sidecars: string[]): Promise<boolean> {
  const bytes = await store.read(path)
  if (bytes === null) return false
  const source = `${store.uri}/${path}`
  const apply = (actions: readonly Action[]): void => {
    state.apply(actions)
    for (const action of actions) if (action.kind === 'sidecar') sidecars.push(action.path)
  }
  if (path.endsWith('.json')) {
    apply(parseEntry(bytes, source))
    return true
  }
  const [texts, structs] = [new StatsShelf(cellsOf), new StatsShelf(structStats)]
  const options = { source: bytes, name: source, columns: COLUMNS, lazy: LAZY_STATS }
  for await (const { batch, lazy } of readParquetGroups(options)) {
    checkColumns(batch.fields, path, source)
    const stats = texts.reader(lazy.get('add.stats'))
    const statsParsed = structs.reader(lazy.get('add.stats_parsed'))
    for (const [i, { name }] of batch.fields.entries()) {
      const column = batch.columns[i]!
      apply(name === 'add' ? addActions({ column, stats, statsParsed, source }) : actionsOf(name, column, source))
    }
  }
  return true
}

/** What the columns of a checkpoint must have, for without it they would say that there is nothing (PROTOCOL, "Checkpoint Schema"). */
const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  add: ['path', 'partitionValues', 'size', 'modificationTime', 'dataChange'],
  remove: ['path'],
  metaData: ['id', 'format', 'schemaString', 'partitionColumns', 'configuration'],
  protocol: ['minReaderVersion', 'minWriterVersion'],
  txn: ['appId', 'version'],
}

/** A checkpoint states every kind of action, a sidecar files alone. A footer has no checksum: this tells what it can. */
function checkColumns(fields: readonly ColumnField[], path: string, source: string): void {
  const kinds = path.startsWith(SIDECARS) ? ['add'] : Object.keys(REQUIRED)
  for (const kind of kinds) {
    const type = fields.find(({ name }) => name === kind)?.type
    const children = type?.kind === 'struct' ? type.fields : []
    const missing = REQUIRED[kind]!.find((name) => !children.some((child) => child.name === name))
    if (missing !== undefined) throw damagedEntry(source, `it has no column ${kind}.${missing}`)
  }
}

/** A file with a deletion vector is read as other actions are, value by value. */
function addActions(from: AddColumn): Action[] {
  const { column, source } = from
  const actions: Action[] = []
  const { validity, length } = column
  const cell = cellsOf(column)
  const vector = vectorsOf(column)
  const addAt = addsOf(from)
  for (let row = 0; row < length; row += 1) {
    if (validity?.[row] === 0) continue
    const add = addAt(row)
    if (vector(row) === null) {
      actions.push({ kind: 'add', add })
      continue
    }
    const body = cellJson(cell(row))
    actions.push(...readActions({ add: { ...(isObject(body) ? body : {}), stats: add.statsText } }, source))
  }
  return actions
}

function actionsOf(name: string, column: Column, source: string): Action[] {
  const actions: Action[] = []
  const { validity, length } = column
  const cell = cellsOf(column)
  for (let row = 0; row < length; row += 1) {
    if (validity?.[row] !== 0) actions.push(...readActions({ [name]: cellJson(cell(row)) }, source))
  }
  return actions
}

/** What kind of deletion vector a row states; null where there is none. */
function vectorsOf({ type, values }: Column): (row: number) => unknown {
  if (type.kind !== 'struct' || values.layout !== 'struct') return () => null
  const at = type.fields.findIndex((field) => field.name === 'deletionVector')
  const vector = values.children[at]
  if (vector === undefined) return () => null
  const { validity } = vector
  const cell = cellsOf(vector)
  return (row) => (validity?.[row] === 0 ? null : cell(row))
}

function sidecarPath(path: string): string {
  return path.includes('/') ? path : SIDECARS + path
}
