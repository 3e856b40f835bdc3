import { parseContract } from '../../contract/parse-contract.ts'
import { fieldHasPii, hasPii, type ContractField } from '../../domain/contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import type { TableName } from '../../domain/identifier.ts'
import { maskAll, maskValue } from '../../domain/masking.ts'
import type { World } from '../../ports/world.ts'
import { contractInForce } from '../../ingest/contract-in-force.ts'

/** What contracts tag as PII, as the columns of one table. */
export interface PrivateColumns {
  /** By plain name. */
  readonly fields: ReadonlyMap<string, ContractField>
}

const RESCUED = '_rescued'

/**
 * A bronze table goes by its own contract. Silver and gold are made of any of them, so every contract's tags count;
 * names are compared without case and underscores, since models rename `CustomerID` to `customer_id`. A model that
 * gives a private column another name hides it from this.
 */
export async function privateColumns(
  world: Pick<World, 'registry' | 'settings'>,
  { layer, table }: TableName,
): Promise<PrivateColumns> {
  const all = [...world.settings.tables.values()]
  const fields = new Map<string, ContractField>()
  for (const each of layer === 'bronze' ? all.filter((one) => one.table === table) : all) {
    const contract = parseContract(await contractInForce(world.registry, each))
    for (const field of contract.fields) if (fieldHasPii(field)) fields.set(plainName(field.column.name), field)
    // A field that the contract does not know may hold what the known one hides.
    if (hasPii(contract)) fields.set(plainName(RESCUED), rescuedField)
  }
  return { fields }
}

export function maskRow(
  row: Readonly<Record<string, JsonValue>>,
  { fields }: PrivateColumns,
): Readonly<Record<string, JsonValue>> {
  if (fields.size === 0) return row
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const field = fields.get(plainName(name))
      return [name, field === undefined ? value : maskField(field, value)]
    }),
  )
}

/** A value of a private column: by its kind; nested ones as a whole, names kept. */
function maskField(field: ContractField, value: JsonValue): JsonValue {
  if (value === null) return null
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

function plainName(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}
