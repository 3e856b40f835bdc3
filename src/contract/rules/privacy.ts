import type { ExactJson } from '../../domain/exact-json.ts'
import { invalidContract, type ContractPlace } from '../invalid.ts'

export interface Privacy {
  readonly pii: string | null
  readonly onIngest: 'drop' | 'hash' | null
}

const KIND = /^[a-z][a-z0-9_]{0,39}$/

/**
 * The attributes `pii` and `on_ingest`. A field that must not land is private even where it names no kind. `drop` is
 * for fields of the record itself; `hash` needs a key that contracts do not have yet, and is refused.
 */
export function parsePrivacy(
  attributes: { readonly [key: string]: ExactJson },
  parent: ContractPlace,
  place: ContractPlace,
): Privacy {
  const { pii = null, on_ingest: onIngest = null } = attributes
  if (pii !== null && (typeof pii !== 'string' || !KIND.test(pii))) {
    throw invalidContract(place, 'pii must name a kind, e.g. "email"')
  }
  if (onIngest === null) return { pii, onIngest }
  if (onIngest === 'hash') throw invalidContract(place, 'on_ingest "hash" is not available yet; "drop" is')
  if (onIngest !== 'drop') throw invalidContract(place, 'on_ingest must be "drop"')
  if (parent.path !== '')
    throw invalidContract(place, 'on_ingest is for fields of the record itself, not for nested ones')
  return { pii: pii ?? 'private', onIngest }
}
