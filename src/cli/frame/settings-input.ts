import type { SettingsInput } from '../../settings/load-settings.ts'
import type { VerbCall } from '../verb.ts'

/** What the settings of a call are loaded from. */
export function settingsInput({ config, env, cwd }: Pick<VerbCall, 'config' | 'env' | 'cwd'>): SettingsInput {
  return { ...config, env, cwd }
}
