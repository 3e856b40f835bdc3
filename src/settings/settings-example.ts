import { stringify } from 'yaml'
import type { ConnectorDeclaration, Setting, SettingGroup } from '../domain/setting-declarations.ts'
import { describeType } from './resolve/parse-setting.ts'

/** A settings file to begin with: what must be written, and what may be, commented out with its default. */
export function settingsExample(declared: SettingGroup, connector: ConnectorDeclaration): string {
  const sources = declared.fields['sources']
  const common = sources?.kind === 'map' ? sources.entry.fields : {}
  const written: Record<string, string> = { connector: connector.connector, topic: 'orders' }
  const lines = [
    `# ${connector.meaning}`,
    'lake:',
    ...settingLines('uri', settingAt(declared.fields['lake'], 'uri'), 2),
    'sources:',
    '  my_source:',
  ]
  for (const [name, node] of Object.entries({ ...common, ...connector.options })) {
    if (node.kind !== 'setting') continue
    const { example: _example, ...plain } = node
    // The key of a table's rows is the records' key, where no other is written.
    const isTold = name === 'key' && Object.hasOwn(connector.options, 'primary_key')
    lines.push(...settingLines(name, { ...(isTold ? plain : node), ...given(written[name]) }, 4))
  }
  lines.push('topics:', '  orders:')
  const topics = declared.fields['topics']
  for (const [name, node] of Object.entries(topics?.kind === 'map' ? topics.entry.fields : {})) {
    if (node.kind === 'setting') lines.push(...settingLines(name, { ...node, ...given(node.default) }, 4))
  }
  lines.push('tables:', '  bronze:', '    orders:')
  const tables = declared.fields['tables']
  const bronze = tables?.kind === 'group' ? tables.fields['bronze'] : undefined
  for (const [name, node] of Object.entries(bronze?.kind === 'map' ? bronze.entry.fields : {})) {
    if (node.kind === 'setting') lines.push(...settingLines(name, { ...node, ...given(written[name]) }, 6))
  }
  return `${lines.join('\n')}\n`
}

function given(value: Setting['default']): Pick<Setting, 'example'> {
  return value === undefined ? {} : { example: value }
}

function settingAt(node: SettingGroup['fields'][string] | undefined, name: string): Setting | null {
  const setting = node?.kind === 'group' ? node.fields[name] : undefined
  return setting?.kind === 'setting' ? setting : null
}

function settingLines(name: string, setting: Setting | null, indent: number): string[] {
  if (setting === null) return []
  const space = ' '.repeat(indent)
  const live = setting.required === true || setting.example !== undefined
  const value = setting.example ?? setting.default
  const text = value === undefined ? describeType(setting.type) : flow(value)
  return [`${space}# ${setting.meaning}`, `${space}${live ? '' : '# '}${name}: ${text}`]
}

function flow(value: NonNullable<Setting['default']>): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()
}
