import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

/** Compares with a file of the repository. `UPDATE_GOLDEN=1` writes it instead; nothing else does. */
export function assertGolden(path: string, text: string): void {
  const file = join(ROOT, path)
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return
  }
  let held: string
  try {
    held = readFileSync(file, 'utf8')
  } catch {
    assert.fail(`${relative('', file)} is missing; UPDATE_GOLDEN=1 writes it`)
  }
  assert.equal(text, held, `${relative('', file)} is out of step; UPDATE_GOLDEN=1 writes it anew, if that is meant`)
}
