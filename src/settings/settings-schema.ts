import type { JsonValue } from '../domain/dead-letter.ts'
import type { Setting, SettingGroup, SettingMap, SettingNode, SettingType } from '../domain/setting-declarations.ts'

/** The JSON Schema (2020-12) of a settings file, for editors. It cannot follow `extends`, so nothing in it is required. */

type JsonSchema = { readonly [key: string]: JsonValue }

/** A text with a variable may stand for a value of any type. */
const WITH_VARIABLE: JsonSchema = { type: 'string', pattern: '\\$\\{' }
const NAME_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$'
const TABLE_PATTERN = '^[A-Za-z_][A-Za-z0-9_]{0,127}$'

export function settingsSchema(declared: SettingGroup): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Settings of Sluice',
    ...groupSchema(declared),
  }
}

function nodeSchema(node: SettingNode): JsonSchema {
  if (node.kind === 'setting') return settingSchema(node)
  return node.kind === 'group' ? groupSchema(node) : mapSchema(node)
}

function groupSchema(group: SettingGroup): JsonSchema {
  return {
    description: group.meaning,
    type: ['object', 'null'],
    additionalProperties: false,
    properties: propertiesOf(group.fields),
  }
}

function propertiesOf(fields: Readonly<Record<string, SettingNode>>): JsonSchema {
  return Object.fromEntries(Object.entries(fields).map(([name, node]) => [name, nodeSchema(node)]))
}

function mapSchema(map: SettingMap): JsonSchema {
  return {
    description: map.meaning,
    type: ['object', 'null'],
    propertyNames: { pattern: map.of === 'table' ? TABLE_PATTERN : NAME_PATTERN },
    additionalProperties: map.variants === undefined ? groupSchema(map.entry) : variantSchema(map, map.variants),
  }
}

/** An entry that does not name its variant (an overlay over another file) may have the fields of any. */
function variantSchema(map: SettingMap, variants: NonNullable<SettingMap['variants']>): JsonSchema {
  const common = propertiesOf(map.entry.fields)
  const all = Object.values(variants.fields).map(propertiesOf)
  return {
    description: map.entry.meaning,
    type: ['object', 'null'],
    properties: Object.assign({}, common, ...all) as JsonSchema,
    additionalProperties: false,
    allOf: Object.entries(variants.fields).map(([name, fields]) => ({
      if: { type: 'object', properties: { [variants.by]: { const: name } }, required: [variants.by] },
      // oxlint-disable-next-line unicorn/no-thenable -- the keyword of JSON Schema
      then: { properties: { ...common, ...propertiesOf(fields) }, additionalProperties: false },
    })),
  }
}

function settingSchema(setting: Setting): JsonSchema {
  const defaults: JsonSchema = setting.default === undefined ? {} : { default: setting.default }
  const required = setting.required === true ? ' Required.' : ''
  return {
    description: `${setting.meaning}${unitOf(setting.type)}${required}`,
    ...typeSchema(setting.type),
    ...defaults,
  }
}

function unitOf(type: SettingType): string {
  return type.kind === 'size_mb' ? ' In MiB.' : ''
}

function typeSchema(type: SettingType): JsonSchema {
  switch (type.kind) {
    case 'text':
      return { type: ['string', 'number', 'boolean', 'null'] }
    case 'path':
    case 'store_uri':
      return { type: ['string', 'null'] }
    case 'boolean':
      return { anyOf: [{ type: ['boolean', 'null'] }, WITH_VARIABLE] }
    case 'integer':
      return { anyOf: [{ type: ['integer', 'null'], minimum: type.min, maximum: type.max }, WITH_VARIABLE] }
    case 'number':
      return { anyOf: [{ type: ['number', 'null'], minimum: type.min, maximum: type.max }, WITH_VARIABLE] }
    case 'size_mb':
      return { anyOf: [{ type: ['number', 'null'], minimum: type.min }, WITH_VARIABLE] }
    case 'duration': {
      const forever = type.forever ? '|forever' : ''
      return { type: ['string', 'null'], pattern: `^(\\d+(\\.\\d+)?(ms|s|m|h|d)${forever})$|\\$\\{` }
    }
    case 'choice':
      return { anyOf: [{ enum: [...type.values, null] }, WITH_VARIABLE] }
    case 'columns':
    case 'texts': {
      const item: JsonSchema =
        type.kind === 'columns' ? { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$|\\$\\{' } : { type: 'string' }
      return {
        anyOf: [
          { type: 'array', items: item },
          { ...item, type: ['string', 'null'] },
        ],
      }
    }
  }
}
