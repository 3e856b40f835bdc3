import { loadResolved } from '../../../settings/load-settings.ts'
import { settingsInput } from '../../frame/settings-input.ts'
import type { Verb } from '../../verb.ts'

export const configCheck: Verb = {
  positionals: [],
  flags: [],
  async run(call) {
    const { settings } = loadResolved(settingsInput(call))
    const counts = { sources: settings.sources.size, topics: settings.topics.size, tables: settings.tables.size }
    call.print.result({ ok: true, file: settings.file, ...counts }, () =>
      [`${settings.file} is right`, `${counts.sources} sources, ${counts.topics} topics, ${counts.tables} tables`].join(
        '\n',
      ),
    )
    return 0
  },
}
