import { checkName, isLayer, parseTableName, type TableName } from '../domain/identifier.ts'

/** Where the ledger keeps what, below `_errors`. Table names are checked before they become a path (I14). */

export const SKIPS_FOLDER = '_skips'
export const HEALED_FOLDER = '_healed'

/** `<layer>/<table>/`. */
export function laneFolder({ layer, table }: TableName): string {
  const checked = parseTableName(`${layer}.${table}`)
  return `${checked.layer}/${checked.table}/`
}

export interface LetterFile extends TableName {
  readonly runId: string
  readonly atMs: number
  readonly id: string
}

export function letterPath({ runId, atMs, id, ...table }: LetterFile): string {
  return `${laneFolder(table)}dt=${isoDate(atMs)}/run_id=${checkName(runId, 'run')}/${checkName(id, 'file')}.json`
}

export function skipPath(table: TableName, id: string): string {
  return `${laneFolder(table)}${SKIPS_FOLDER}/${checkName(id, 'file')}.json`
}

export function healingPath(table: TableName, id: string): string {
  return `${laneFolder(table)}${HEALED_FOLDER}/${checkName(id, 'file')}.json`
}

/** The table whose ledger a file of `_errors` belongs to, or null for what is no file of a ledger. */
export function tableOfPath(path: string): TableName | null {
  const [layer, table, folder] = path.split('/')
  if (!isLayer(layer) || table === undefined || folder === undefined || !path.endsWith('.json')) return null
  return { layer, table }
}

/** The date of a letter file's `dt=` folder, or null where the path has none. */
export function dateOfPath(path: string): string | null {
  return /\/dt=(\d{4}-\d{2}-\d{2})\//.exec(path)?.[1] ?? null
}

export function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
