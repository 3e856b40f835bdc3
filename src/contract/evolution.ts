import type { CompatibilityMode, SchemaText } from '../ports/schema-registry.ts'
import { avroIncompatibilities } from './avro/compatibility.ts'
import { parseAvroSchema } from './avro/schema.ts'
import type { Incompatibility } from './incompatibility.ts'
import { jsonIncompatibilities } from './json/compatibility/compatibility.ts'
import { parseJsonSchema } from './json/schema.ts'

export interface EvolutionQuestion {
  readonly proposed: SchemaText
  /** Versions in force before, newest last. */
  readonly existing: readonly SchemaText[]
  readonly mode: CompatibilityMode
  /** Rules may become stricter; shape must still fit. */
  readonly allowTightening: boolean
  /** For messages. */
  readonly subject?: string
}

/**
 * Every reason why `proposed` may not follow `existing`; empty where it may. BACKWARD: what was written before can be
 * read by the proposal. FORWARD: what the proposal writes can be read by what stood before. Rules count in both, for
 * BACKWARD as tightening, because our own consumer judges old records by the new contract.
 * Throws CONTRACT_INVALID where the proposal is no schema.
 */
export function checkEvolution(question: EvolutionQuestion): Incompatibility[] {
  const { proposed, existing, mode, allowTightening, subject = 'proposed' } = question
  checkParses(proposed, subject)
  if (mode === 'NONE') return []
  const compared = mode.endsWith('_TRANSITIVE') ? existing : existing.slice(-1)
  const direction = mode.replace('_TRANSITIVE', '')
  const found: Incompatibility[] = []
  for (const older of compared) {
    if (older.format !== proposed.format) {
      found.push({
        kind: 'shape',
        field: null,
        message: `the format changes from ${older.format} to ${proposed.format}`,
      })
      continue
    }
    if (direction !== 'FORWARD') found.push(...unreadable(older, proposed, subject))
    if (direction !== 'BACKWARD') {
      found.push(
        ...unreadable(proposed, older, subject).map((each) => ({ ...each, message: `${each.message} (forward)` })),
      )
    }
  }
  return distinct(found.filter((each) => each.kind === 'shape' || !allowTightening))
}

/** Why data of `writer` may not be read, or not be accepted, by `reader`. */
function unreadable(writer: SchemaText, reader: SchemaText, subject: string): Incompatibility[] {
  return writer.format === 'avro'
    ? avroIncompatibilities(parseAvroSchema(writer.text, subject), parseAvroSchema(reader.text, subject), subject)
    : jsonIncompatibilities(parseJsonSchema(writer.text, subject), parseJsonSchema(reader.text, subject))
}

function checkParses(schema: SchemaText, subject: string): void {
  if (schema.format === 'avro') parseAvroSchema(schema.text, subject)
  else parseJsonSchema(schema.text, subject)
}

function distinct(list: readonly Incompatibility[]): Incompatibility[] {
  return [...new Map(list.map((each) => [`${each.field}\0${each.message}`, each])).values()]
}
