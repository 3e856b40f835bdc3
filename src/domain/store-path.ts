import { SluiceError } from './errors.ts'

/**
 * Names inside a store. A temporary file lies in the folder of the file that it becomes, so that link and rename never
 * cross a device; its name is reserved, so that no reader takes it for an object and no object can be mistaken for it.
 */

const TEMPORARY = /^\.sluice-[0-9a-f-]{36}\.tmp$/

export function temporaryName(id: string): string {
  return `.sluice-${id}.tmp`
}

export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name)
}

/** Refuses a path that is empty, absolute, leaves the root or takes a reserved name (I14). */
export function checkStorePath(path: string): string {
  const parts = path.split('/')
  const bad =
    path.includes('\0') ||
    parts.some((part) => part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > 255) ||
    isTemporaryName(parts.at(-1) ?? '')
  if (bad) {
    throw new SluiceError(
      'IDENTIFIER_INVALID',
      `${JSON.stringify(path)} is not a path below the store's root: relative, "/" between parts, no empty part, no "." or "..", at most 255 bytes a part`,
    )
  }
  return path
}

/** A prefix may end anywhere, also inside a name or with a slash. */
export function checkStorePrefix(prefix: string): string {
  const parts = prefix.split('/')
  const last = parts.pop() ?? ''
  if (prefix.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..') || last === '..') {
    throw new SluiceError('IDENTIFIER_INVALID', `${JSON.stringify(prefix)} is not a prefix below the store's root`)
  }
  return prefix
}
