import type { ExactJson } from '../../../domain/exact-json.ts'
import type { Incompatibility } from '../../incompatibility.ts'
import type { JsonObject } from '../schema.ts'
import type { JsonType } from '../shape.ts'

/** A pair under comparison: whether everything that passes `before` passes `after`. */
export interface Implication {
  /** All schemas that hold before; a value satisfies every one. */
  readonly before: readonly JsonObject[]
  readonly after: JsonObject
  /** What types a value can have before. */
  readonly types: ReadonlySet<JsonType>
  readonly path: string
  readonly state: ImplicationState
}

export interface ImplicationState {
  readonly beforeRoot: ExactJson
  readonly afterRoot: ExactJson
  readonly found: Incompatibility[]
  /** Pairs under comparison: recursive schemas end here. */
  readonly seen: readonly (readonly [ExactJson, ExactJson])[]
  /** Work left: unions in unions multiply. */
  readonly budget: { left: number }
  /** Adds to `found` every reason why a value of `before` may fail `after`. */
  readonly implies: Imply
}

export type Imply = (before: ExactJson, after: ExactJson, path: string, state: ImplicationState) => void

/** True where `implies` finds nothing. */
export function holds(before: ExactJson, after: ExactJson, state: ImplicationState): boolean {
  const trial = { ...state, found: [] }
  state.implies(before, after, '', trial)
  return trial.found.length === 0
}

export interface Reason {
  readonly kind: Incompatibility['kind']
  readonly path: string
  readonly message: string
}

export function add(state: ImplicationState, { kind, path, message }: Reason): undefined {
  state.found.push({ kind, field: path === '' ? null : path, message })
}
