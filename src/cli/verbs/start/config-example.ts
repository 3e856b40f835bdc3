import { SluiceError } from '../../../domain/errors.ts'
import { suggestion } from '../../../domain/nearest-word.ts'
import { declareSettings } from '../../../domain/setting-declarations-all.ts'
import { settingsExample } from '../../../settings/settings-example.ts'
import type { Verb } from '../../verb.ts'

export const configExample: Verb = {
  positionals: [{ name: 'CONNECTOR', meaning: 'the connector that the example reads with', required: true }],
  flags: [],
  async run(call) {
    const { connectors } = call.config
    const name = call.positionals[0] ?? ''
    const connector = connectors.find((declared) => declared.connector === name)
    if (connector === undefined) {
      const names = connectors.map((declared) => declared.connector)
      throw new SluiceError(
        'USAGE',
        `there is no connector ${JSON.stringify(name)}, only: ${names.join(', ')}${suggestion(name, names)}`,
      )
    }
    const text = settingsExample(declareSettings(connectors), connector)
    call.print.result({ connector: name, yaml: text }, text)
    return 0
  },
}
