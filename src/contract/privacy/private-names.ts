import { plainName, type Contract } from '../../domain/contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { HIDDEN } from '../../domain/masking.ts'

/**
 * Fields that must not land as they are (`on_ingest`), by name and alias, so that their values do not come into the
 * table as fields which the contract does not know: under a second alias, in other case, or inside another unknown
 * value. A value under a name that resembles none of them is not found.
 */
export class PrivateNames {
  readonly #names: ReadonlySet<string>

  constructor({ fields }: Pick<Contract, 'fields'>) {
    this.#names = new Set(
      fields
        .filter((field) => field.onIngest !== null)
        .flatMap((field) => [field.column.name, ...(field.aliases ?? [])].map(plainName)),
    )
  }

  has(name: string): boolean {
    return this.#names.size > 0 && this.#names.has(plainName(name))
  }

  /** The value as `_rescued` may hold it; `path` is where it was found. */
  guard(path: string, value: JsonValue): JsonValue {
    if (this.#names.size === 0 || value === null) return value
    return path.split(/\.|\[[^\]]*\]/).some((name) => this.has(name)) ? HIDDEN : this.#inside(value)
  }

  #inside(value: JsonValue): JsonValue {
    if (typeof value !== 'object' || value === null) return value
    if (isList(value)) return value.map((each) => this.#inside(each))
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        name,
        each !== null && this.has(name) ? HIDDEN : this.#inside(each),
      ]),
    )
  }
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
