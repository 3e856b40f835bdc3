import { SluiceError } from '../../domain/errors.ts'
import { formatTableName, quoteIdentifier } from '../../domain/identifier.ts'
import type { ModelDefinition } from '../../domain/model.ts'
import type { Settings, SourceSettings } from '../../domain/settings.ts'
import type { ExtractWorld } from '../../extract/run-source.ts'
import { loadWireContract, type WireContract } from '../../extract/wire-contract.ts'
import { engineInput } from '../../lake/engine-input.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { EngineInput, EngineRow } from '../../ports/model-engine.ts'
import type { World } from '../../ports/world.ts'
import { tableMentions } from '../look/table-mentions.ts'
import { KeyHashes } from './key-hashes.ts'
import { canonicalKey, shownKey } from './key-texts.ts'

export type ReconcileWorld = ExtractWorld & Pick<World, 'engine'>

export interface ReconcileRequest {
  readonly model: ModelDefinition
  readonly source: SourceSettings
  /** Keys of each kind that are named; all are counted. */
  readonly named: number
}

/** Keys are lists of canonical texts, by position as in the model's key; PII among them is masked. */
export interface Reconciled {
  readonly key: readonly string[]
  readonly sourceRows: number
  readonly tableRows: number
  /** The source holds them, the table does not. */
  readonly missing: KeyDifference
  /** The table holds them, the source does not. */
  readonly extra: KeyDifference
}

export interface KeyDifference {
  readonly count: number
  readonly keys: readonly (readonly string[])[]
}

/** The source that a silver table's rows come from. Throws USAGE where it is not one that can be read by key. */
export function sourceOf(settings: Settings, model: ModelDefinition, named: string | null): SourceSettings {
  const table = formatTableName(model)
  const inputs = new Set(tableMentions(model.sql).flatMap((each) => (each.layer === 'bronze' ? [each.table] : [])))
  const topics = new Set(
    [...settings.tables.values()].filter((each) => inputs.has(each.table)).map(({ topic }) => topic),
  )
  const feeding = [...settings.sources.values()].filter((source) => topics.has(source.topic))
  const found = named === null ? feeding : feeding.filter(({ name }) => name === named)
  const [source, other] = found
  const where = { model: table }
  if (source === undefined)
    throw new SluiceError('USAGE', `no source${named === null ? '' : ` ${named}`} feeds what ${table} is made of`, {
      where,
    })
  if (other !== undefined)
    throw new SluiceError('USAGE', `several sources feed ${table}: ${found.map(({ name }) => name).join(', ')}`, {
      where,
      hint: 'Name one with --source.',
    })
  const key = source.options['primary_key']
  if (typeof key !== 'object' || key === null)
    throw new SluiceError('USAGE', `source ${source.name} has no primary_key, so its keys cannot be told`, { where })
  const isSame = key.length === model.key.length && model.key.every((column) => key.includes(column))
  if (isSame) return source
  throw new SluiceError(
    'USAGE',
    `${table} is by ${model.key.join(', ')}, and source ${source.name} by ${key.join(', ')}`,
    {
      where,
      hint: 'Keys can be compared where both go by the same columns.',
    },
  )
}

/**
 * Compares the keys that the source holds now with those of the table that are not deleted. What is on its way counts as
 * a difference: run first. Holds 9 bytes a key of the source (I12); rows of the source that are deleted softly are none.
 */
export async function reconcileTable(
  world: ReconcileWorld,
  { model, source, named }: ReconcileRequest,
): Promise<Reconciled> {
  const wire = await loadWireContract(world, source)
  const keys = new KeyHashes()
  for await (const key of sourceKeys(world, { source, model, wire })) keys.add(key)
  keys.close()
  const extra: (readonly string[])[] = []
  let [tableRows, extraCount] = [0, 0]
  for await (const key of tableKeys(world, model, wire)) {
    tableRows += 1
    if (keys.meet(key)) continue
    extraCount += 1
    if (extra.length < named) extra.push(shownKey(wire, model.key, key))
  }
  const missing: (readonly string[])[] = []
  const missingCount = keys.unmet
  if (missingCount > 0)
    for await (const key of sourceKeys(world, { source, model, wire })) {
      if (!keys.isUnmet(key)) continue
      missing.push(shownKey(wire, model.key, key))
      if (missing.length >= Math.min(named, missingCount)) break
    }
  return {
    key: model.key,
    sourceRows: keys.size,
    tableRows,
    missing: { count: missingCount, keys: missing },
    extra: { count: extraCount, keys: extra },
  }
}

interface SourceKeys {
  readonly source: SourceSettings
  readonly model: ModelDefinition
  readonly wire: WireContract
}

/** All keys that stand in the source, whatever was sent of them. */
async function* sourceKeys(
  world: ExtractWorld,
  { source, model, wire }: SourceKeys,
): AsyncGenerator<readonly string[]> {
  const options = { ...source.options, load_type: 'full', columns: source.options['primary_key'] ?? null }
  const connector = world.connector({ ...source, options })
  try {
    for await (const { rows, columns } of connector.read(new Map(), { signal: world.signal })) {
      for (const { op, values } of rows) {
        if (op === 'd') continue
        yield wire.encoder.keyTexts(model.key, columns, values).map((text) => text ?? '')
      }
    }
  } finally {
    await connector.close()
  }
}

/** Rows that one answer of the engine holds at once, about. */
const SLICE_ROWS = 200_000

async function* tableKeys(
  { lake, engine }: ReconcileWorld,
  model: ModelDefinition,
  wire: WireContract,
): AsyncGenerator<readonly string[]> {
  const store = lake.at(`${model.layer}/${model.table}`)
  const snapshot = await openSnapshot(store)
  if (snapshot === null) return
  const input = await engineInput({ name: model.table, schema: model.layer, store, snapshot })
  const texts = model.key.map((column) => `cast(${quoteIdentifier(column)} as varchar)`)
  const isDeletable = input.fields.some(({ name }) => name === '_deleted')
  const standing = isDeletable ? 'not _deleted' : '1 = 1'
  const table = formatTableName(model)
  const ask = async (question: string): Promise<readonly EngineRow[]> =>
    (await (await engine()).ask({ inputs: [input satisfies EngineInput], questions: [question] }))[0] ?? []
  const [counted] = await ask(`select count(*) as n from ${table} where ${standing}`)
  const digits = Number(counted?.['n'] ?? 0) > SLICE_ROWS ? 2 : 0
  const prefix = `substr(md5(concat_ws('|', ${texts.join(', ')})), 1, ${digits})`
  for (let slice = 0; slice < 16 ** digits; slice += 1) {
    const of = digits === 0 ? '' : ` and ${prefix} = '${slice.toString(16).padStart(digits, '0')}'`
    const selected = texts.map((text, at) => `${text} as k${at}`).join(', ')
    for (const row of await ask(`select ${selected} from ${table} where ${standing}${of}`))
      yield canonicalKey(
        wire.encoder,
        model.key,
        texts.map((_, at) => row[`k${at}`]),
      )
  }
}
