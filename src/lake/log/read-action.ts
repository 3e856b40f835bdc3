import { SluiceError } from '../../domain/errors.ts'
import type { DeletionVector } from '../deletion/deletion-vector.ts'
import type {
  Action,
  AddAction,
  MetadataAction,
  PartitionValues,
  ProtocolAction,
  RemoveAction,
  TextMap,
  TxnAction,
} from './action.ts'
import { isObject, parseLogJson } from './log-json.ts'
import type { LogJson, LogObject } from './log-json.ts'

/**
 * The actions of a log entry. `source` names the entry for messages. Refused where it is damaged: no UTF-8, no JSON, no
 * action at all, an action of another form, or two that no entry may hold beside each other.
 */
export function parseEntry(bytes: Uint8Array, source: string): Action[] {
  const actions: Action[] = []
  for (const line of decodeText(bytes, source).split('\n')) {
    if (line.trim() === '') continue
    for (const action of readActions(parseLine(line, source), source)) actions.push(action)
  }
  if (actions.length === 0) throw damagedEntry(source, 'it holds no action')
  checkSingles(actions, source)
  return actions
}

/** One protocol, one metaData, one version of a transaction (PROTOCOL, "Actions"): of two, neither could be trusted. */
function checkSingles(actions: readonly Action[], source: string): void {
  const seen = new Map<string, bigint | null>()
  for (const action of actions) {
    if (action.kind !== 'protocol' && action.kind !== 'metaData' && action.kind !== 'txn') continue
    const name = action.kind === 'txn' ? `txn of ${action.txn.appId}` : action.kind
    const version = action.kind === 'txn' ? action.txn.version : null
    const other = seen.get(name)
    if (other !== undefined && (version === null || other !== version)) {
      throw damagedEntry(source, `it holds more than one ${name}`)
    }
    seen.set(name, version)
  }
}

function decodeText(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw damagedEntry(source, 'it is no UTF-8', cause)
  }
}

/** The actions that one object holds: one in a log entry; in a checkpoint's row all others are null. */
export function readActions(row: LogObject, source: string): Action[] {
  const actions: Action[] = []
  for (const [name, body] of Object.entries(row)) {
    if (isObject(body)) actions.push(readAction(name, body, source))
    else if (body !== null && body !== undefined && KINDS.has(name)) throw damagedEntry(source, `${name} is no object`)
  }
  return actions
}

const KINDS = new Set(['add', 'remove', 'metaData', 'protocol', 'txn', 'sidecar', 'commitInfo'])

function readAction(name: string, body: LogObject, source: string): Action {
  const fields = new ActionFields(name, body, source)
  switch (name) {
    case 'add':
      return { kind: 'add', add: readAdd(fields) }
    case 'remove':
      return { kind: 'remove', remove: readRemove(fields) }
    case 'metaData':
      return { kind: 'metaData', metaData: readMetadata(fields) }
    case 'protocol':
      return { kind: 'protocol', protocol: readProtocol(fields) }
    case 'txn':
      return { kind: 'txn', txn: readTxn(fields) }
    case 'commitInfo':
      return { kind: 'commitInfo', commitInfo: body }
    case 'sidecar':
      return { kind: 'sidecar', path: fields.text('path') }
    default:
      return { kind: 'other', name }
  }
}

function readAdd(fields: ActionFields): AddAction {
  return {
    path: fields.text('path'),
    partitionValues: fields.partitionValues('partitionValues') ?? fields.damaged('partitionValues'),
    bytes: fields.count('size') ?? fields.damaged('size'),
    modificationTimeMs: fields.time('modificationTime') ?? 0,
    dataChange: fields.flag('dataChange') ?? true,
    statsText: fields.textOrNull('stats'),
    tags: fields.textMap('tags'),
    deletionVector: fields.deletionVector('deletionVector'),
  }
}

function readRemove(fields: ActionFields): RemoveAction {
  return {
    path: fields.text('path'),
    deletionTimestampMs: fields.time('deletionTimestamp'),
    dataChange: fields.flag('dataChange') ?? true,
    partitionValues: fields.flag('extendedFileMetadata') === false ? null : fields.partitionValues('partitionValues'),
    bytes: fields.count('size'),
    statsText: fields.textOrNull('stats'),
    tags: fields.textMap('tags'),
    deletionVector: fields.deletionVector('deletionVector'),
  }
}

function readMetadata(fields: ActionFields): MetadataAction {
  const format = fields.object('format')
  return {
    id: fields.text('id'),
    name: fields.textOrNull('name'),
    description: fields.textOrNull('description'),
    provider: typeof format?.['provider'] === 'string' ? format['provider'] : 'parquet',
    schemaText: fields.text('schemaString'),
    partitionColumns: fields.texts('partitionColumns') ?? fields.damaged('partitionColumns'),
    configuration: fields.textMap('configuration') ?? {},
    createdTimeMs: fields.time('createdTime'),
  }
}

function readProtocol(fields: ActionFields): ProtocolAction {
  return {
    minReaderVersion: fields.count('minReaderVersion') ?? fields.damaged('minReaderVersion'),
    minWriterVersion: fields.count('minWriterVersion') ?? fields.damaged('minWriterVersion'),
    readerFeatures: fields.texts('readerFeatures'),
    writerFeatures: fields.texts('writerFeatures'),
  }
}

function readTxn(fields: ActionFields): TxnAction {
  return {
    appId: fields.text('appId'),
    version: fields.integer('version'),
    lastUpdatedMs: fields.time('lastUpdated'),
  }
}

/** What a `Date` can hold. */
export const LAST_TIME_MS = 8.64e15

/** Typed access to an action's keys; a key of the wrong type means that the log is damaged, and says where. */
class ActionFields {
  readonly #name: string
  readonly #body: LogObject
  readonly #source: string

  constructor(name: string, body: LogObject, source: string) {
    this.#name = name
    this.#body = body
    this.#source = source
  }

  text(key: string): string {
    return this.textOrNull(key) ?? this.damaged(key)
  }

  textOrNull(key: string): string | null {
    const value = this.#body[key] ?? null
    return value === null || typeof value === 'string' ? value : this.damaged(key)
  }

  /** Milliseconds that a date can have. */
  time(key: string): number | null {
    const value = this.#number(key)
    return value === null || Math.abs(value) <= LAST_TIME_MS ? value : this.damaged(key)
  }

  #number(key: string): number | null {
    const value = this.#body[key] ?? null
    if (value === null || typeof value === 'number') return value
    return typeof value === 'bigint' ? Number(value) : this.damaged(key)
  }

  integer(key: string): bigint {
    const value = this.#body[key] ?? null
    if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? value : this.damaged(key)
    return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : this.damaged(key)
  }

  flag(key: string): boolean | null {
    const value = this.#body[key] ?? null
    return value === null || typeof value === 'boolean' ? value : this.damaged(key)
  }

  object(key: string): LogObject | null {
    const value = this.#body[key] ?? null
    return value === null ? null : isObject(value) ? value : this.damaged(key)
  }

  texts(key: string): string[] | null {
    const value = this.#body[key] ?? null
    if (value === null) return null
    if (!Array.isArray(value)) return this.damaged(key)
    return (value as readonly LogJson[]).map((item) => (typeof item === 'string' ? item : this.damaged(key)))
  }

  /** Entries whose value is null are left out. */
  textMap(key: string): TextMap | null {
    const value = this.object(key)
    if (value === null) return null
    return Object.fromEntries(
      Object.entries(value).flatMap(([k, v]): [string, string][] => {
        if (v === null || v === undefined) return []
        return typeof v === 'string' ? [[k, v]] : this.damaged(key)
      }),
    )
  }

  /** An empty text stands for null (PROTOCOL, "Partition Value Serialization"). */
  partitionValues(key: string): PartitionValues | null {
    const value = this.object(key)
    if (value === null) return null
    return Object.fromEntries(
      Object.entries(value).map(([k, v]): [string, string | null] => {
        if (v === null || v === undefined || v === '') return [k, null]
        return typeof v === 'string' ? [k, v] : this.damaged(key)
      }),
    )
  }

  deletionVector(key: string): DeletionVector | null {
    const value = this.object(key)
    // Some checkpoints state a struct of nulls where there is none.
    if (value === null || (value['storageType'] ?? null) === null) return null
    const fields = new ActionFields(`${this.#name}.${key}`, value, this.#source)
    return {
      storageType: fields.text('storageType'),
      pathOrInlineDv: fields.text('pathOrInlineDv'),
      offset: fields.count('offset'),
      sizeInBytes: fields.count('sizeInBytes') ?? fields.damaged('sizeInBytes'),
      cardinality: fields.count('cardinality') ?? fields.damaged('cardinality'),
    }
  }

  /** A number of things, from 0. */
  count(key: string): number | null {
    const value = this.#number(key)
    return value === null || (Number.isSafeInteger(value) && value >= 0) ? value : this.damaged(key)
  }

  damaged(key: string): never {
    throw damagedEntry(this.#source, `${this.#name}.${key} is missing or of the wrong type`)
  }
}

function parseLine(line: string, source: string): LogObject {
  try {
    const row = parseLogJson(line)
    if (isObject(row)) return row
  } catch (cause) {
    throw damagedEntry(source, 'a line is no JSON', cause)
  }
  throw damagedEntry(source, 'a line is no JSON object')
}

export function damagedEntry(source: string, what: string, cause?: unknown): SluiceError {
  return new SluiceError('TABLE_FILES_MISSING', `${source} is damaged: ${what}`, {
    where: { file: source },
    hint: 'Restore the file from a copy of the table.',
    cause,
  })
}
