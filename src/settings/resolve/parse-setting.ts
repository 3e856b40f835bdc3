import path from 'node:path'
import { checkColumnName } from '../../domain/identifier.ts'
import { DURATION_FORM, parseDuration } from '../../domain/duration.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { Setting, SettingType, SettingValue } from '../../domain/setting-declarations.ts'
import { SET_PLACE } from '../yaml/settings-tree.ts'
import { interpolate } from '../yaml/variables.ts'
import type { Environment } from '../yaml/variables.ts'
import type { YamlScalar, YamlTree } from '../yaml/yaml-tree.ts'

export type ParsedSetting =
  | { readonly kind: 'value'; readonly value: SettingValue }
  | { readonly kind: 'refused'; readonly message: string }

export interface ParseContext {
  readonly env: Environment
  readonly cwd: string
}

const MIB = 1024 * 1024

/** One written value, variables replaced, as its declared type. Messages never quote a secret. */
export function parseSetting(setting: Setting, tree: YamlTree, context: ParseContext): ParsedSetting {
  const { type } = setting
  if (type.kind === 'columns' || type.kind === 'texts') return parseList(type.kind, tree, context)
  if (tree.kind !== 'scalar') return refused(`needs ${describeType(type)}, not a ${tree.kind}`)
  const text = resolveText(tree, context)
  if (text.kind === 'refused') return text
  if (setting.byReference === true && !text.fromEnvironment)
    return refused('must come from the environment: write ${NAME}, and set the variable NAME')
  const parsed = parseText(type, text, tree, context)
  if (parsed.kind === 'value') return parsed
  const quoted = setting.secret === true ? 'the value' : JSON.stringify(text.text)
  return refused(parsed.message.replace('%', () => quoted))
}

/** A default, which is written like a value of the main file. */
export function parseDefault(setting: Setting, file: string, context: ParseContext): SettingValue {
  if (setting.default === undefined) return null
  const at = { file, line: null }
  const scalar = (value: string | number | boolean): YamlScalar => ({
    kind: 'scalar',
    at,
    type: typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'boolean',
    text: String(value),
  })
  const tree: YamlTree =
    typeof setting.default === 'object'
      ? { kind: 'list', at, items: setting.default.map(scalar) }
      : scalar(setting.default)
  const parsed = parseSetting(setting, tree, context)
  if (parsed.kind === 'refused') throw new Error(`a declared default is wrong: ${parsed.message}`)
  return parsed.value
}

interface ResolvedText {
  readonly kind: 'text'
  readonly text: string
  readonly fromEnvironment: boolean
}

function resolveText(tree: YamlScalar, context: ParseContext): ResolvedText | { kind: 'refused'; message: string } {
  const text = interpolate(tree.text, context.env)
  if (text.kind === 'undefined') {
    return refused(`the variable ${text.variable} is not set; set it, or give a default: \${${text.variable}:default}`)
  }
  return text.kind === 'malformed' ? refused(text.message) : text
}

function parseText(type: SettingType, resolved: ResolvedText, tree: YamlScalar, context: ParseContext): ParsedSetting {
  const { text } = resolved
  switch (type.kind) {
    case 'text':
      return text === '' ? refused('is empty') : value(text)
    case 'boolean':
      return text === 'true' || text === 'false' ? value(text === 'true') : refused('% is neither true nor false')
    case 'integer': {
      const number = Number(text)
      if (!/^-?\d+$/.test(text) || number < type.min || number > type.max) {
        return refused(`% is not ${describeType(type)}`)
      }
      return value(number)
    }
    case 'number': {
      const number = Number(text)
      return !/^-?\d+(\.\d+)?$/.test(text) || number < type.min || number > type.max
        ? refused(`% is not ${describeType(type)}`)
        : value(number)
    }
    case 'size_mb': {
      const number = Number(text)
      if (!/^\d+(\.\d+)?$/.test(text)) return refused('% is not a number of MiB (the key names the unit)')
      const bytes = Math.round(number * MIB)
      return number < type.min || !Number.isSafeInteger(bytes)
        ? refused(`% is not ${describeType(type)}`)
        : value(bytes)
    }
    case 'duration': {
      if (type.forever && text === 'forever') return value(null)
      const ms = parseDuration(text)
      return ms === null ? refused(`% is not ${describeType(type)}`) : value(ms)
    }
    case 'choice': {
      if (type.values.includes(text)) return value(text)
      if (type.later !== undefined && Object.hasOwn(type.later, text))
        return refused(`% is not possible: ${type.later[text]}`)
      return refused(`% is none of ${type.values.join(', ')}${suggestion(text, type.values)}`)
    }
    case 'store_uri':
      if (!/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return parsePath(resolved, tree, context)
      return /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^\s\\]*)?$/.test(text)
        ? value(text.replace(/\/+$/, ''))
        : refused('% is neither a folder nor s3://bucket/prefix')
    case 'path':
      return parsePath(resolved, tree, context)
    case 'columns':
    case 'texts':
      return refused(`needs ${describeType(type)}`)
  }
}

/** Relative to the file that writes it; to the working directory where its beginning came from outside of any file. */
function parsePath(resolved: ResolvedText, tree: YamlScalar, { cwd }: ParseContext): ParsedSetting {
  if (resolved.text.trim() === '') return refused('is empty')
  if (resolved.text.includes('\0')) return refused('holds a zero byte')
  const outside = resolved.fromEnvironment || tree.at.file === SET_PLACE
  return value(path.resolve(outside ? cwd : path.dirname(tree.at.file), resolved.text))
}

function parseList(kind: 'columns' | 'texts', tree: YamlTree, context: ParseContext): ParsedSetting {
  if (tree.kind === 'map') return refused('needs a list, not a map')
  const items = tree.kind === 'list' ? tree.items : [tree]
  const texts: string[] = []
  for (const item of items) {
    if (item.kind !== 'scalar' || item.type === 'null') return refused('needs a list of plain words')
    const text = resolveText(item, context)
    if (text.kind === 'refused') return text
    if (kind === 'columns') {
      try {
        checkColumnName(text.text)
      } catch (error) {
        return refused(error instanceof Error ? error.message : String(error))
      }
      if (texts.includes(text.text)) return refused(`names ${text.text} twice`)
    }
    texts.push(text.text)
  }
  return value(texts)
}

export function describeType(type: SettingType): string {
  switch (type.kind) {
    case 'text':
      return 'a text'
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `a whole number from ${type.min} to ${type.max}`
    case 'number':
      return `a number from ${type.min} to ${type.max}`
    case 'size_mb':
      return `a number of MiB, at least ${type.min}`
    case 'duration':
      return `${DURATION_FORM}, such as 30s${type.forever ? ', or forever' : ''}`
    case 'choice':
      return `one of ${type.values.join(', ')}`
    case 'path':
      return 'a path'
    case 'store_uri':
      return 'a path, or s3://bucket/prefix'
    case 'columns':
      return 'a list of columns'
    case 'texts':
      return 'a list of texts'
  }
}

function value(parsed: SettingValue): ParsedSetting {
  return { kind: 'value', value: parsed }
}

function refused(message: string): { kind: 'refused'; message: string } {
  return { kind: 'refused', message }
}
