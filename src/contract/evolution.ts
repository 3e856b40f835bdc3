import { isExactObject, type ExactJson } from '../domain/exact-json.ts'
import type { CompatibilityMode, SchemaText } from '../ports/schema-registry.ts'
import { avroIncompatibilities } from './avro/compatibility.ts'
import { parseAvroSchema } from './avro/schema.ts'
import type { Incompatibility } from './incompatibility.ts'
import { jsonIncompatibilities } from './json/compatibility/compatibility.ts'
import { conjuncts, parseJsonSchema } from './json/schema.ts'

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
    found.push(...changedTokens(older, proposed, subject))
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

/**
 * A column that begins or ends to be hashed, or is hashed under another kind, holds two sorts of values from then on,
 * which look alike and do not join.
 */
function changedTokens(before: SchemaText, after: SchemaText, subject: string): Incompatibility[] {
  const old = hashedKinds(before, subject)
  return [...hashedKinds(after, subject)].flatMap(([name, kind]): Incompatibility[] => {
    const was = old.get(name)
    if (was === undefined || was === kind) return []
    const said = (hashed: string | null): string => (hashed === null ? 'its values' : `hashes of kind ${hashed}`)
    const message = `the column holds ${said(was)} and would hold ${said(kind)}; rows that landed before keep theirs`
    return [{ kind: 'rule', field: name, message }]
  })
}

/** The record's fields that land: the kind that each is hashed under, or null. */
function hashedKinds({ format, text }: SchemaText, subject: string): Map<string, string | null> {
  const kinds = new Map<string, string | null>()
  const take = (name: string, { pii, on_ingest: onIngest }: { readonly [key: string]: ExactJson }): void => {
    if (onIngest !== 'drop') kinds.set(name, onIngest === 'hash' && typeof pii === 'string' ? pii : null)
  }
  if (format === 'avro') {
    const type = parseAvroSchema(text, subject)
    if (type.kind === 'record') for (const { name, attributes } of type.fields) take(name, attributes)
  } else {
    const { root } = parseJsonSchema(text, subject)
    for (const { properties } of conjuncts(root, root)) {
      if (!isExactObject(properties)) continue
      for (const [name, property] of Object.entries(properties)) if (isExactObject(property)) take(name, property)
    }
  }
  return kinds
}

function checkParses(schema: SchemaText, subject: string): void {
  if (schema.format === 'avro') parseAvroSchema(schema.text, subject)
  else parseJsonSchema(schema.text, subject)
}

function distinct(list: readonly Incompatibility[]): Incompatibility[] {
  return [...new Map(list.map((each) => [`${each.field}\0${each.message}`, each])).values()]
}
