import { checkSuites, knownTables } from '../../../operate/gate/expectations-of.ts'
import { loadResolved } from '../../../settings/load-settings.ts'
import { loadModels } from '../../../settings/model-file.ts'
import { settingsInput } from '../../frame/settings-input.ts'
import type { Verb } from '../../verb.ts'

export const configCheck: Verb = {
  positionals: [],
  flags: [],
  async run(call) {
    const { settings } = loadResolved(settingsInput(call))
    const models = settings.suites.size === 0 ? [] : loadModels(settings.paths.models)
    checkSuites(settings.suites, knownTables({ settings }, models))
    const counts = { sources: settings.sources.size, topics: settings.topics.size, tables: settings.tables.size }
    call.print.result({ ok: true, file: settings.file, ...counts }, () =>
      [`${settings.file} is right`, `${counts.sources} sources, ${counts.topics} topics, ${counts.tables} tables`].join(
        '\n',
      ),
    )
    return 0
  },
}
