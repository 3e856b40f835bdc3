import { hash } from 'node:crypto'

import type { LogCoordinate, SourceCoordinate } from '../domain/dead-letter.ts'

/**
 * The identity of a refused record: 32 hex digits of a SHA-256 over its birthplace. The same record refused twice has
 * the same id, so counts are of distinct ids and a redrive is idempotent. Parts are joined as a JSON array, so no two
 * birthplaces share a text. The form is stored in ledgers and must never change.
 */
export function rowIdOfLog({ topic, partition, epoch, offset }: LogCoordinate): string {
  return digest(['log', topic, partition, epoch, offset.toString()])
}

export function rowIdOfSource({ source, object, at }: SourceCoordinate): string {
  return digest(['source', source, object, at])
}

/** A row that a gate refused: table, key, rule and the versions of the inputs that it was made from. */
export function rowIdOfGate(parts: {
  readonly table: string
  readonly key: readonly string[]
  readonly rule: string
  readonly inputVersions: readonly string[]
}): string {
  return digest(['gate', parts.table, parts.key, parts.rule, parts.inputVersions])
}

export function isRowId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function digest(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32)
}
