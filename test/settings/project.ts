import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { filesDeclaration } from '../../connectors/files/declaration.ts'
import type { SettingsInput } from '../../src/settings/load-settings.ts'

/** A folder of settings files that goes away with its test. */
export interface Project {
  readonly folder: string
  write(name: string, text: string): string
  input(over?: Partial<SettingsInput>): SettingsInput
}

export function makeProject(t: TestContext, files: Readonly<Record<string, string>> = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-settings-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const write = (name: string, text: string): string => {
    const file = join(folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return file
  }
  for (const [name, text] of Object.entries(files)) write(name, text)
  return {
    folder,
    write,
    input: (over = {}) => ({ sets: [], env: {}, cwd: folder, connectors: [filesDeclaration], ...over }),
  }
}

/** A whole project; `%` stands for what a test adds at the end. */
export const WHOLE = `lake: {uri: lake}
sources:
  shop:
    connector: files
    path: data
    topic: orders
    key: [id]
topics:
  orders: {partitions: 4, retention: 7d}
tables:
  bronze:
    orders: {topic: orders}
`
