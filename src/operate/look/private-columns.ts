import { isReservedName } from '../../contract/column-names.ts'
import { parseContract } from '../../contract/parse-contract.ts'
import {
  fieldHasPii,
  hasPii,
  landingFields,
  plainName,
  type Contract,
  type ContractField,
} from '../../domain/contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { formatTableName, type TableName } from '../../domain/identifier.ts'
import { HIDDEN, maskAll, maskValue } from '../../domain/masking.ts'
import { contractInForce } from '../../ingest/lane/contract-in-force.ts'
import type { World } from '../../ports/world.ts'
import { loadModels } from '../../settings/model-file.ts'
import { privateOrigins, type KnownColumns } from '../privacy/private-origins.ts'

/** What contracts tag as PII, as the columns of one table. */
export interface PrivateColumns {
  /** By plain name. */
  readonly fields: ReadonlyMap<string, ContractField>
  /** A bronze table's: what its contract names, by plain name; any other column is hidden. Null: others are open. */
  readonly known: ReadonlySet<string> | null
}

const RESCUED = '_rescued'

/**
 * A bronze table goes by its own contract: its tags, and, where it has any, every column that it does not name, which a
 * producer brought. Silver and gold are made of any of them: a column is hidden that is named as a tagged field of any
 * contract (without case and underscores, since models rename `CustomerID` to `customer_id`), or that is made of one by
 * the models' SQL. Throws MODEL_INVALID where the models cannot be read, CONTRACT_MISSING where a contract cannot.
 */
export async function privateColumns(
  world: Pick<World, 'registry' | 'settings'>,
  { layer, table }: TableName,
): Promise<PrivateColumns> {
  const contracts = new Map<string, Contract>()
  for (const each of world.settings.tables.values()) {
    if (layer === 'bronze' && each.table !== table) continue
    contracts.set(each.table, parseContract(await contractInForce(world.registry, each)))
  }
  const fields = new Map<string, ContractField>()
  for (const contract of contracts.values()) for (const [name, field] of hiddenFields(contract)) fields.set(name, field)
  if (layer === 'bronze') {
    const own = contracts.get(table)
    const names = own?.fields.map((field) => plainName(field.column.name))
    return { fields, known: own !== undefined && hasPii(own) ? new Set(names) : null }
  }
  if (fields.size > 0) {
    const bronze = new Map([...contracts].map(([name, contract]) => [`bronze.${name}`, bronzeColumns(contract)]))
    const origins = privateOrigins(loadModels(world.settings.paths.models), bronze)
    for (const [name, field] of origins.get(formatTableName({ layer, table }))?.hidden ?? []) fields.set(name, field)
  }
  return { fields, known: null }
}

function hiddenFields(contract: Contract): Map<string, ContractField> {
  const hidden = contract.fields.filter(fieldHasPii)
  const fields = new Map(hidden.map((field) => [plainName(field.column.name), field]))
  // A field that the contract does not know may hold what the known one hides.
  if (hasPii(contract)) fields.set(plainName(RESCUED), rescuedField)
  return fields
}

function bronzeColumns(contract: Contract): KnownColumns {
  const names = landingFields(contract).map(({ name }) => name)
  return { names: [...names, RESCUED], hidden: hiddenFields(contract) }
}

export function maskRow(
  row: Readonly<Record<string, JsonValue>>,
  { fields, known }: PrivateColumns,
): Readonly<Record<string, JsonValue>> {
  if (fields.size === 0) return row
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const plain = plainName(name)
      const field = fields.get(plain)
      if (field !== undefined) return [name, maskField(field, value)]
      const isUnknown = known !== null && !known.has(plain) && !isReservedName(name)
      return [name, isUnknown ? maskAll(value) : value]
    }),
  )
}

/** A value of a private column: by its kind; nested ones as a whole, names kept. */
function maskField(field: ContractField, value: JsonValue): JsonValue {
  if (value === null) return null
  if (field.column.type.kind === 'map') return HIDDEN
  if (typeof value === 'object') return maskAll(value)
  return maskValue(field.pii ?? 'private', value)
}

const rescuedField: ContractField = {
  column: { name: RESCUED, type: { kind: 'string' }, nullable: true },
  rules: {},
  pii: 'private',
  onIngest: null,
  doc: null,
}
