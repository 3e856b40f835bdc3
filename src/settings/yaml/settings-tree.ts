import { readFileSync } from 'node:fs'
import path from 'node:path'
import { SluiceError } from '../../domain/errors.ts'
import { interpolate } from './variables.ts'
import type { Environment } from './variables.ts'
import { parseYaml } from './yaml-tree.ts'
import type { YamlEntry, YamlMap, YamlTree } from './yaml-tree.ts'

/** Settings files as one tree: each file laid over the one that it extends. */

/** The place of a value given by `--set`; its paths start at the working directory. */
export const SET_PLACE = '--set'

const MAX_FILES = 32

export function readSettingsTree(file: string, env: Environment): YamlMap {
  return readChain(file, env, [])
}

function readChain(file: string, env: Environment, above: readonly string[]): YamlMap {
  if (above.includes(file) || above.length >= MAX_FILES) {
    throw new SluiceError(
      'SETTINGS_INVALID',
      `settings extend each other in a circle: ${[...above, file].join(' → ')}`,
      {
        where: { file: above.at(-1) ?? file, key: 'extends' },
      },
    )
  }
  const tree = parseYaml(readText(file), file)
  if (tree.kind !== 'map') {
    throw new SluiceError('SETTINGS_INVALID', 'a settings file is a map of keys', {
      where: { file, line: tree.at.line ?? 1 },
    })
  }
  const base = baseOf(tree, file, env)
  return base === null ? tree : mergeMaps(readChain(base, env, [...above, file]), tree)
}

function baseOf(tree: YamlMap, file: string, env: Environment): string | null {
  const entry = tree.entries.get('extends')
  if (entry === undefined) return null
  const where = { file, line: entry.keyAt.line ?? 1, key: 'extends' }
  if (entry.value.kind !== 'scalar' || entry.value.text === '') {
    throw new SluiceError('SETTINGS_INVALID', 'extends names one other settings file', { where })
  }
  const text = interpolate(entry.value.text, env)
  if (text.kind !== 'text') {
    const why = text.kind === 'undefined' ? `the variable ${text.variable} is not set` : text.message
    throw new SluiceError('SETTINGS_INVALID', `extends: ${why}`, { where })
  }
  const base = text.fromEnvironment ? path.resolve(text.text) : path.resolve(path.dirname(file), text.text)
  try {
    readText(base)
  } catch (error) {
    throw new SluiceError('FILE_UNREADABLE', `the settings file ${base} cannot be read`, { where, cause: error })
  }
  return base
}

export function readText(file: string): string {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(file)
  } catch (error) {
    const system = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why =
      system === 'ENOENT' ? 'does not exist' : system === 'EISDIR' ? 'is a folder' : `cannot be read (${system})`
    throw new SluiceError('FILE_UNREADABLE', `${file} ${why}`, { where: { file }, cause: error })
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SluiceError('YAML_INVALID', `${file} is not UTF-8 text`, { where: { file }, cause: error })
  }
}

/** Maps merge key by key, all else is replaced. */
function mergeMaps(below: YamlMap, above: YamlMap): YamlMap {
  const entries = new Map<string, YamlEntry>(below.entries)
  for (const [name, entry] of above.entries) {
    const old = entries.get(name)
    const merged =
      old?.value.kind === 'map' && entry.value.kind === 'map' ? mergeMaps(old.value, entry.value) : entry.value
    entries.set(name, { keyAt: entry.keyAt, value: merged })
  }
  return { kind: 'map', at: above.at, entries }
}

/** Lays `--set` texts, such as `ingest.flush_mb=8`, over the tree. A value is read as YAML. */
export function applySets(tree: YamlMap, sets: readonly string[], names: NamesBelow): YamlMap {
  let result = tree
  for (const text of sets) {
    const mark = text.indexOf('=')
    const keyPath = mark < 0 ? '' : text.slice(0, mark).trim()
    if (keyPath === '' || keyPath.split('.').includes('')) {
      throw new SluiceError('USAGE', `--set ${JSON.stringify(text)} is not of the form key.path=value`)
    }
    if (keyPath === 'extends') throw new SluiceError('USAGE', '--set cannot change extends; use --config')
    const value = parseSetValue(text.slice(mark + 1), keyPath)
    const at = { file: SET_PLACE, line: null }
    const overlay = splitKeyPath(keyPath, names).reduceRight<YamlTree>(
      (inner, name) => ({ kind: 'map', at, entries: new Map([[name, { keyAt: at, value: inner }]]) }),
      value,
    )
    if (overlay.kind === 'map') result = mergeMaps(result, overlay)
  }
  return result
}

function parseSetValue(text: string, key: string): YamlTree {
  const at = { file: SET_PLACE, line: null }
  // A text that is no YAML (a Windows path, a `*`) is meant as it stands; only lists are read as such.
  if (/^\s*\[/.test(text)) {
    try {
      return withoutLines(parseYaml(text, SET_PLACE))
    } catch (error) {
      throw new SluiceError('SETTINGS_INVALID', `the list given for ${key} cannot be read`, {
        where: { file: SET_PLACE, key },
        cause: error,
      })
    }
  }
  return { kind: 'scalar', at, type: 'text', text }
}

function withoutLines(tree: YamlTree): YamlTree {
  const at = { file: SET_PLACE, line: null }
  if (tree.kind === 'list') return { kind: 'list', at, items: tree.items.map(withoutLines) }
  return tree.kind === 'scalar' ? { ...tree, at } : tree
}

/** The fields that may follow the name of an entry of the map at this path; null where there is no such map. */
export type NamesBelow = (mapPath: readonly string[]) => ReadonlySet<string> | null

/** A name that the user chose may hold dots: it ends before the first part that is a field of its entry. */
function splitKeyPath(keyPath: string, namesBelow: NamesBelow): string[] {
  const parts = keyPath.split('.')
  const split: string[] = []
  while (parts.length > 0) {
    const fields = namesBelow(split)
    if (fields === null) {
      split.push(parts.shift()!)
    } else {
      const end = parts.findIndex((part, i) => i > 0 && fields.has(part))
      split.push(parts.splice(0, end < 0 ? parts.length : end).join('.'))
    }
  }
  return split
}
