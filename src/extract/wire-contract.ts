import { createEncoder, type Encoder } from '../contract/encode.ts'
import { parseContract } from '../contract/parse-contract.ts'
import { fieldHasPii, hasPii, type Contract } from '../domain/contract.ts'
import { SluiceError } from '../domain/errors.ts'
import type { BronzeTableSettings, SourceSettings } from '../domain/settings.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { World } from '../ports/world.ts'

/** What a source's rows are written by, fixed for one run of the source. */
export interface WireContract {
  readonly encoder: Encoder
  readonly schemaId: number
  readonly subject: string
  /** Columns that a record can carry; null where it can carry any. */
  readonly columns: ReadonlySet<string> | null
  /** Kinds of PII by column, of the wire schema and of the table's contract. */
  readonly pii: ReadonlyMap<string, string>
  readonly sealed: boolean
  /** Whose error lane takes what is refused. */
  readonly table: string
  readonly contractId: number | null
}

/**
 * The latest version of `<topic>-value` is what rows are written by. Letters go to the first table of the topic; where
 * none is declared, to one named as the topic, and are private as soon as either contract tags anything.
 * Throws CONTRACT_MISSING where the subject has no version.
 */
export async function loadWireContract(
  world: Pick<World, 'settings' | 'registry'>,
  source: SourceSettings,
): Promise<WireContract> {
  const subject = `${source.topic}-value`
  const schema = await world.registry.latest(subject)
  if (schema === null) {
    throw new SluiceError(
      'CONTRACT_MISSING',
      `source ${source.name} writes topic ${source.topic}, and subject ${subject} has no version`,
      {
        where: { source: source.name, topic: source.topic, subject },
      },
    )
  }
  const wire = parseContract(schema)
  const table = [...world.settings.tables.values()].find((each) => each.topic === source.topic) ?? null
  const judged = table === null ? null : await tableContract(world.registry, table)
  return {
    encoder: createEncoder(schema),
    schemaId: schema.id,
    subject,
    columns: schema.format === 'avro' ? new Set(wire.fields.map((field) => field.column.name)) : null,
    pii: new Map([...piiOf(wire), ...(judged === null ? [] : piiOf(judged))]),
    sealed: hasPii(wire) || (judged !== null && hasPii(judged)),
    table: table?.table ?? source.topic.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_'),
    contractId: judged?.id ?? null,
  }
}

/** Null where it is not there yet: the lane itself stops for that. */
async function tableContract(registry: SchemaRegistry, table: BronzeTableSettings): Promise<Contract | null> {
  const { subject, pinnedVersion } = table
  const schema = await (pinnedVersion === null ? registry.latest(subject) : registry.version(subject, pinnedVersion))
  return schema === null ? null : parseContract(schema)
}

/** A column with anything private inside is private whole. */
function piiOf(contract: Contract): [string, string][] {
  return contract.fields.filter(fieldHasPii).map(({ column, pii }) => [column.name, pii ?? 'private'])
}
