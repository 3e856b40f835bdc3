import { createEncoder, type Encoder } from '../contract/encode.ts'
import { maskRecord } from '../contract/mask-record.ts'
import { parseContract } from '../contract/parse-contract.ts'
import { hasPii, type Contract } from '../domain/contract.ts'
import type { JsonValue } from '../domain/dead-letter.ts'
import { SluiceError } from '../domain/errors.ts'
import type { BronzeTableSettings, SourceSettings } from '../domain/settings.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { World } from '../ports/world.ts'

/** What a source's rows are written by, fixed for one run of the source. */
export interface WireContract {
  readonly encoder: Encoder
  readonly schemaId: number
  readonly subject: string
  /** A refused row as people may see it, by what the wire schema and the table's contract tag. */
  readonly mask: (record: JsonValue) => JsonValue
  /** Either of them tags PII. */
  readonly sealed: boolean
  /** Whose error lane takes what is refused. */
  readonly table: string
  readonly contractId: number | null
}

/**
 * The latest version of `<topic>-value` is what rows are written by. Letters go to the first table of the topic; where
 * none is declared, to one named as the topic, and are private as soon as any contract of the topic tags anything.
 * Throws CONTRACT_MISSING where the subject has no version, SETTINGS_INVALID for a key column that it does not have.
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
  const tables = [...world.settings.tables.values()].filter((each) => each.topic === source.topic)
  const judges: Contract[] = []
  for (const each of tables) {
    const judge = await tableContract(world.registry, each)
    if (judge !== null) judges.push(judge)
  }
  const contracts = [wire, ...judges]
  const [table] = tables
  const judged = table === undefined ? null : await tableContract(world.registry, table)
  return {
    encoder: checkKey(createEncoder(schema, judges), source, subject),
    schemaId: schema.id,
    subject,
    mask: (record) => contracts.reduce((shown, contract) => maskRecord(contract, shown, (name) => name), record),
    sealed: contracts.some(hasPii),
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

function checkKey(encoder: Encoder, source: SourceSettings, subject: string): Encoder {
  const [unknown] = encoder.unknownColumns(source.key)
  if (unknown === undefined) return encoder
  const key = `sources.${source.name}.key`
  throw new SluiceError('SETTINGS_INVALID', `${key} names column ${unknown}, which ${subject} does not have`, {
    where: { source: source.name, subject, key },
  })
}
