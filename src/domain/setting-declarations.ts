/**
 * The language in which settings are declared: once, with type, default, unit and meaning. Parsing, the JSON Schema,
 * `config print` and `config example` all follow from a declaration.
 */

export type SettingType =
  | { readonly kind: 'text' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number }
  /** Written in MiB (the key ends in `_mb`), handed on in bytes. */
  | { readonly kind: 'size_mb'; readonly min: number }
  /** Written with its unit (`500ms`, `30s`, `1m`, `7d`), handed on in ms; `forever`, where allowed, is null. */
  | { readonly kind: 'duration'; readonly forever: boolean }
  /** `later`: values that the agreed interface has and this build has not, each with what to say. */
  | {
      readonly kind: 'choice'
      readonly values: readonly string[]
      readonly later?: Readonly<Record<string, string>>
    }
  /** A file or folder, handed on absolute. */
  | { readonly kind: 'path' }
  /** A folder, handed on absolute, or `s3://bucket/prefix`, handed on as it is; another `scheme://` is refused. */
  | { readonly kind: 'store_uri' }
  /** Names of columns. */
  | { readonly kind: 'columns' }
  | { readonly kind: 'texts' }

/** What a setting is once parsed. Null: no default and not written, or `forever`. */
export type SettingValue = string | number | boolean | readonly string[] | null

export interface Setting {
  readonly kind: 'setting'
  readonly type: SettingType
  /** One sentence, for the schema and the example. */
  readonly meaning: string
  readonly required?: true
  /** As a user would write it. */
  readonly default?: string | number | boolean | readonly string[]
  /** Never shown, neither by `config print` nor in a message. */
  readonly secret?: true
  /** Only as a variable: the value itself stands in no file and on no command line. */
  readonly byReference?: true
  /** A value for `config example`, where the default does not serve. */
  readonly example?: string | number | boolean | readonly string[]
}

export interface SettingGroup {
  readonly kind: 'group'
  readonly meaning: string
  readonly fields: Readonly<Record<string, SettingNode>>
}

/** Entries by a name that the user chooses. */
export interface SettingMap {
  readonly kind: 'map'
  readonly meaning: string
  /** What an entry is, e.g. `source`. */
  readonly of: string
  readonly entry: SettingGroup
  /** Further fields of an entry, by the value of one of its fields. */
  readonly variants?: {
    readonly by: string
    readonly fields: Readonly<Record<string, Readonly<Record<string, Setting>>>>
  }
}

export type SettingNode = Setting | SettingGroup | SettingMap

/** What one connector adds to an entry of `sources:`. Plain data, so that settings need not know connectors. */
export interface ConnectorDeclaration {
  /** The value of `connector:`. */
  readonly connector: string
  readonly meaning: string
  readonly options: Readonly<Record<string, Setting>>
}

export function group(meaning: string, fields: Readonly<Record<string, SettingNode>>): SettingGroup {
  return { kind: 'group', meaning, fields }
}

export function setting(declared: Omit<Setting, 'kind'>): Setting {
  return { kind: 'setting', ...declared }
}

export function size(megabytes: number, meaning: string): Setting {
  return setting({ type: { kind: 'size_mb', min: 0.001 }, default: megabytes, meaning })
}
