import type { ColumnType } from '../../domain/column-batch.ts'
import { describeColumn } from '../columns/describe.ts'
import type { UnknownFieldMode } from '../../domain/contract.ts'
import type { JsonValue } from '../../domain/dead-letter.ts'
import { Breaches } from '../rules/breaches.ts'
import { PrivateNames } from '../privacy/private-names.ts'

/** What decoding one row leaves beside its columns: broken rules, and values of fields that the contract lacks. */
export class RowState {
  readonly breaches = new Breaches()
  /** Positions in the lists and maps around the value that is being read, outermost first. */
  readonly indexes: (number | string)[] = []
  readonly #mode: UnknownFieldMode
  readonly #privateNames: PrivateNames
  readonly #rescued: [string, JsonValue][] = []

  constructor(mode: UnknownFieldMode, privateNames = new PrivateNames({ fields: [] })) {
    this.#mode = mode
    this.#privateNames = privateNames
  }

  reset(): void {
    this.indexes.length = 0
    this.#rescued.length = 0
    this.breaches.truncate(0)
  }

  /** A value that the column's type cannot hold without loss. */
  typeBreach(path: string, type: ColumnType, what: string): void {
    const wanted = describeColumn(type)
    this.breaches.add({
      code: 'TYPE',
      field: path,
      rule: `type ${wanted}`,
      message: `${path} is ${what}, which is no ${wanted}.`,
    })
  }

  /** A field that the contract does not know. Null says nothing, so it is neither rescued nor refused. */
  unknown(path: string, value: JsonValue): void {
    if (value === null) return
    if (this.#mode === 'reject') {
      const message = `${path} is not a field of the contract.`
      this.breaches.add({ code: 'UNKNOWN_FIELD', field: path, rule: 'on_unknown_field reject', message })
    } else {
      this.#rescued.push([this.#indexed(path), this.#privateNames.guard(path, value)])
    }
  }

  /** Mode evolve keeps here what its columns cannot hold. */
  rescue(path: string, value: JsonValue): void {
    if (value !== null) this.#rescued.push([path, this.#privateNames.guard(path, value)])
  }

  /** JSON text with one key a field (`address.zip`, `lines[2].note` where nested), or null. */
  rescuedText(): string | null {
    return this.#rescued.length === 0 ? null : JSON.stringify(Object.fromEntries(this.#rescued))
  }

  #indexed(path: string): string {
    let next = 0
    return path.replaceAll('[]', () => `[${this.indexes[next++] ?? ''}]`)
  }
}
