import { stringify } from 'yaml'
import { formatDuration } from '../domain/duration.ts'
import type { Setting, SettingValue } from '../domain/setting-declarations.ts'
import type { Resolved, ResolvedSetting } from './resolve/resolve-settings.ts'

/** Settings as they apply, in the form of a settings file. */

export const REDACTED = '(secret)'

type Written = string | number | boolean | null | readonly string[]
export interface SettingsDocument {
  [key: string]: Written | SettingsDocument
}

export function settingsDocument(resolved: Resolved): SettingsDocument {
  const root = emptyDocument()
  for (const entry of resolved.values.values()) {
    // What it extends is merged in already.
    if (entry.path[0] === 'extends') continue
    const written = asWritten(entry)
    if (written === undefined) continue
    groupAt(root, entry.path.slice(0, -1))[entry.path.at(-1) ?? ''] = written
  }
  for (const key of resolved.names.keys()) groupAt(root, key.split('/'))
  return root
}

export function settingsYaml(resolved: Resolved): string {
  return stringify(settingsDocument(resolved), { lineWidth: 0 })
}

/** In the unit that its key or text names; undefined for what has no value. */
function asWritten({ setting, value, at }: ResolvedSetting): Written | undefined {
  if (setting.secret === true) return value === null ? undefined : REDACTED
  if (value !== null) return inUnit(setting, value)
  const forever =
    setting.type.kind === 'duration' && setting.type.forever && (at !== null || setting.default === 'forever')
  return forever ? 'forever' : undefined
}

function inUnit(setting: Setting, value: Exclude<SettingValue, null>): Written {
  if (typeof value === 'string') return plain(value)
  if (typeof value === 'object') return value.map(plain)
  if (typeof value === 'boolean') return value
  if (setting.type.kind === 'duration') return formatDuration(value)
  return setting.type.kind === 'size_mb' ? value / (1024 * 1024) : value
}

/** What looks like a variable was none: it must not become one when the text is read again. */
function plain(text: string): string {
  return text.replaceAll('${', () => '$${')
}

function groupAt(root: SettingsDocument, path: readonly string[]): SettingsDocument {
  let group = root
  for (const name of path) {
    let below = group[name]
    if (typeof below !== 'object' || below === null || Array.isArray(below)) {
      below = emptyDocument()
      group[name] = below
    }
    group = below as SettingsDocument
  }
  return group
}

/** Without a prototype: names come from the user. */
function emptyDocument(): SettingsDocument {
  return Object.create(null) as SettingsDocument
}
