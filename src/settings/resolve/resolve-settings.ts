import { checkName, parseTableName } from '../../domain/identifier.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { Setting, SettingGroup, SettingMap, SettingNode, SettingValue } from '../../domain/setting-declarations.ts'
import { parseDefault, parseSetting } from './parse-setting.ts'
import type { ParseContext } from './parse-setting.ts'
import type { Problem } from './problem.ts'
import type { YamlEntry, YamlMap, YamlPlace, YamlTree } from '../yaml/yaml-tree.ts'

/** A tree held against the declarations: every declared setting with its value and where it was written. */
export interface Resolved {
  readonly values: ReadonlyMap<string, ResolvedSetting>
  /** Names of the entries of each map, by the map's path. */
  readonly names: ReadonlyMap<string, readonly string[]>
  readonly problems: readonly Problem[]
}

export interface ResolvedSetting {
  readonly path: readonly string[]
  readonly setting: Setting
  readonly value: SettingValue
  /** Null for a default. */
  readonly at: YamlPlace | null
}

/** The key of both maps of `Resolved`. A name may hold dots, but never this mark. */
export function settingKey(path: readonly string[]): string {
  return path.join('/')
}

export function resolveSettings(tree: YamlMap, declared: SettingGroup, context: ParseContext): Resolved {
  const walk: Walk = { context, file: tree.at.file, values: new Map(), names: new Map(), problems: [] }
  walkGroup(declared, { value: tree, at: tree.at }, [], walk)
  return walk
}

interface Walk {
  readonly context: ParseContext
  /** The main file, which defaults belong to. */
  readonly file: string
  readonly values: Map<string, ResolvedSetting>
  readonly names: Map<string, readonly string[]>
  readonly problems: Problem[]
}

/** What stands at a path, and the nearest place to name. */
interface Found {
  readonly value: YamlTree | null
  readonly at: YamlPlace
}

function walkNode(node: SettingNode, found: Found, path: readonly string[], walk: Walk): void {
  if (node.kind === 'setting') walkSetting(node, found, path, walk)
  else if (node.kind === 'group') walkGroup(node, found, path, walk)
  else walkMap(node, found, path, walk)
}

function walkSetting(setting: Setting, { value, at }: Found, path: readonly string[], walk: Walk): void {
  if (isAbsent(value)) {
    if (setting.required === true)
      problem(walk, path, at, `${path.join('.')} is missing: ${lowerFirst(setting.meaning)}`)
    walk.values.set(settingKey(path), {
      path,
      setting,
      value: parseDefault(setting, walk.file, walk.context),
      at: null,
    })
    return
  }
  const parsed = parseSetting(setting, value, walk.context)
  if (parsed.kind === 'refused') problem(walk, path, at, `${path.join('.')}: ${parsed.message}`)
  else walk.values.set(settingKey(path), { path, setting, value: parsed.value, at })
}

function walkGroup(group: SettingGroup, { value, at }: Found, path: readonly string[], walk: Walk): void {
  const entries = entriesOf(value, at, path, walk)
  for (const [name, node] of Object.entries(group.fields)) {
    const entry = entries.get(name)
    walkNode(node, { value: entry?.value ?? null, at: entry?.keyAt ?? at }, [...path, name], walk)
  }
  refuseUnknown(entries, Object.keys(group.fields), path, walk)
}

function walkMap(map: SettingMap, { value, at }: Found, path: readonly string[], walk: Walk): void {
  const names: string[] = []
  for (const [name, entry] of entriesOf(value, at, path, walk)) {
    if (isAbsent(entry.value) && map.variants !== undefined) continue
    const below = [...path, name]
    try {
      if (map.of === 'table') parseTableName(`bronze.${name}`)
      else checkName(name, map.of)
    } catch (error) {
      problem(walk, below, entry.keyAt, error instanceof Error ? error.message : String(error))
      continue
    }
    names.push(name)
    walkGroup(withVariant(map, entry, walk.context), { value: entry.value, at: entry.keyAt }, below, walk)
  }
  walk.names.set(settingKey(path), names)
}

/** The entry's fields with those of its variant. Where the variant is unknown, its field's own refusal tells. */
function withVariant(map: SettingMap, entry: YamlEntry, context: ParseContext): SettingGroup {
  const { variants } = map
  if (variants === undefined) return map.entry
  const by = map.entry.fields[variants.by]
  const written = entry.value.kind === 'map' ? entry.value.entries.get(variants.by)?.value : undefined
  if (by?.kind !== 'setting' || written === undefined) return map.entry
  const chosen = parseSetting(by, written, context)
  const known =
    chosen.kind === 'value' && typeof chosen.value === 'string' && Object.hasOwn(variants.fields, chosen.value)
  const more = known ? [variants.fields[String(chosen.value)] ?? {}] : Object.values(variants.fields)
  const optional = (fields: Readonly<Record<string, Setting>>): Record<string, Setting> =>
    Object.fromEntries(
      Object.entries(fields).map(([name, setting]): [string, Setting] => [name, withoutRequired(setting)]),
    )
  const fields = Object.assign({}, ...(known ? more : more.map(optional))) as Record<string, Setting>
  return { ...map.entry, fields: { ...map.entry.fields, ...fields } }
}

function withoutRequired(setting: Setting): Setting {
  const { required: _required, ...rest } = setting
  return rest
}

function entriesOf(
  value: YamlTree | null,
  at: YamlPlace,
  path: readonly string[],
  walk: Walk,
): ReadonlyMap<string, YamlEntry> {
  if (isAbsent(value)) return new Map()
  if (value.kind === 'map') return value.entries
  problem(
    walk,
    path,
    at,
    `${path.join('.')} needs a map of keys, not ${value.kind === 'list' ? 'a list' : 'a single value'}`,
  )
  return new Map()
}

function refuseUnknown(
  entries: ReadonlyMap<string, YamlEntry>,
  known: readonly string[],
  path: readonly string[],
  walk: Walk,
): void {
  for (const [name, entry] of entries) {
    if (known.includes(name)) continue
    const key = [...path, name].join('.')
    problem(walk, [...path, name], entry.keyAt, `${key} is not a setting${suggestion(name, known)}`)
  }
}

function isAbsent(value: YamlTree | null): value is null {
  return value === null || (value.kind === 'scalar' && value.type === 'null')
}

function problem(walk: Walk, path: readonly string[], at: YamlPlace, message: string): void {
  walk.problems.push({ key: path.join('.'), at, message })
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1).replace(/\.$/, '')
}
