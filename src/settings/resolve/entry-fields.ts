import type { SettingGroup, SettingNode } from '../../domain/setting-declarations.ts'

/** The fields that an entry of the map at this path may have; null where the path leads to no map. */
export function entryFields(declared: SettingGroup, path: readonly string[]): ReadonlySet<string> | null {
  let node: SettingNode | undefined = declared
  for (const name of path) {
    if (node?.kind !== 'group' || !Object.hasOwn(node.fields, name)) return null
    node = node.fields[name]
  }
  if (node?.kind !== 'map') return null
  const variants = Object.values(node.variants?.fields ?? {}).flatMap((fields) => Object.keys(fields))
  return new Set([...Object.keys(node.entry.fields), ...variants])
}
