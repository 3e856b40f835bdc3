import { SluiceError } from '../domain/errors.ts'
import type { SettingValue } from '../domain/setting-declarations.ts'
import { settingKey } from './resolve/resolve-settings.ts'
import type { Resolved } from './resolve/resolve-settings.ts'

/** Values by path, in the type that their declaration promises. */
export class SettingReader {
  readonly #resolved: Resolved

  constructor(resolved: Resolved) {
    this.#resolved = resolved
  }

  names(...path: string[]): readonly string[] {
    return this.#resolved.names.get(settingKey(path)) ?? []
  }

  value(...path: string[]): SettingValue {
    return this.#resolved.values.get(settingKey(path))?.value ?? null
  }

  textOrNull(...path: string[]): string | null {
    const value = this.value(...path)
    return typeof value === 'string' ? value : null
  }

  text(...path: string[]): string {
    return this.textOrNull(...path) ?? undeclared(path)
  }

  numberOrNull(...path: string[]): number | null {
    const value = this.value(...path)
    return typeof value === 'number' ? value : null
  }

  number(...path: string[]): number {
    return this.numberOrNull(...path) ?? undeclared(path)
  }

  list(...path: string[]): readonly string[] | null {
    const value = this.value(...path)
    return typeof value === 'object' ? value : null
  }
}

function undeclared(path: readonly string[]): never {
  throw new SluiceError('BUG', `the setting ${path.join('.')} is read in a type that its declaration does not give`)
}
