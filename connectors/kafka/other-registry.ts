import type { RegistrySettings, SourceSettings } from '../../src/domain/settings.ts'
import { refused } from './kafka-options.ts'

const TIMEOUT_MS = 10_000

/** Where the schemas of the other side are. Throws SETTINGS_INVALID with the key. */
export function readOtherRegistry({ name, options }: Pick<SourceSettings, 'name' | 'options'>): RegistrySettings {
  const key = (option: string): string => `sources.${name}.${option}`
  const text = (option: string): string | null => {
    const value = options[option] ?? null
    return typeof value === 'string' && value !== '' ? value : null
  }
  const [url, dir] = [text('registry_url'), text('registry_dir')]
  if (url !== null && dir !== null)
    throw refused(key('registry_dir'), 'stands beside registry_url; a source has one of them')
  if (dir !== null) return { kind: 'embedded', dir }
  if (url === null) throw refused(key('registry_url'), 'is missing: `values: registry` reads by its schemas')
  if (!/^https?:\/\/[^\s/]/.test(url)) throw refused(key('registry_url'), 'needs an http:// or https:// address')
  if (/^https?:\/\/[^/]*@/.test(url))
    throw refused(key('registry_url'), 'holds credentials; they belong in registry_username and registry_password')
  return {
    kind: 'confluent',
    url: url.replace(/\/+$/, ''),
    username: text('registry_username'),
    password: text('registry_password'),
    caFile: text('registry_ca_file'),
    timeoutMs: TIMEOUT_MS,
  }
}
