import { loadResolved } from '../../../settings/load-settings.ts'
import { settingsDocument, settingsYaml } from '../../../settings/print-settings.ts'
import { settingsInput } from '../../frame/settings-input.ts'
import type { Verb } from '../../verb.ts'

export const configPrint: Verb = {
  positionals: [],
  flags: [],
  notes: ['Variables are replaced, paths absolute, defaults written out. The text printed is itself a settings file.'],
  async run(call) {
    const { settings, resolved } = loadResolved(settingsInput(call))
    call.print.result(settingsDocument(resolved), () => `# ${settings.file}\n${settingsYaml(resolved)}`)
    return 0
  },
}
