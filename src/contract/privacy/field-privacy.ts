import type { ColumnType } from '../../domain/column-batch.ts'
import type { ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'

export interface Privacy {
  readonly pii: string | null
  readonly onIngest: 'drop' | 'hash' | null
}

const KIND = /^[a-z][a-z0-9_]{0,39}$/

export interface PrivatePlace {
  readonly place: ContractPlace
  /** The record or field that holds it. */
  readonly parent: ContractPlace
  readonly type: ColumnType
}

/**
 * The attributes `pii` and `on_ingest`. A field that must not land as it is counts as private even where it names no
 * kind. `on_ingest` is for fields of the record itself; `hash` is for scalars, and needs a kind: tokens are made under
 * it, so that equal values of one kind join.
 */
export function parsePrivacy(
  attributes: { readonly [key: string]: ExactJson },
  { place, parent, type }: PrivatePlace,
): Privacy {
  const { pii = null, on_ingest: onIngest = null } = attributes
  if (pii !== null && (typeof pii !== 'string' || !KIND.test(pii))) {
    throw invalidContract(place, 'pii must name a kind, e.g. "email"')
  }
  if (onIngest === null) return { pii, onIngest }
  if (onIngest !== 'drop' && onIngest !== 'hash') throw invalidContract(place, 'on_ingest must be "drop" or "hash"')
  if (parent.path !== '')
    throw invalidContract(place, `on_ingest "${onIngest}" is for fields of the record itself, not for nested ones`)
  if (onIngest === 'drop') return { pii: pii ?? 'private', onIngest }
  if (type.kind === 'struct' || type.kind === 'list' || type.kind === 'map')
    throw invalidContract(place, `on_ingest "hash" is for single values, not for a ${type.kind}; "drop" takes any`)
  if (pii === null)
    throw invalidContract(place, 'on_ingest "hash" needs pii beside it: equal values of one kind get equal tokens')
  return { pii, onIngest }
}
