import { declareSettings } from '../../../domain/setting-declarations-all.ts'
import { settingsSchema } from '../../../settings/settings-schema.ts'
import type { Verb } from '../../verb.ts'

export const configSchema: Verb = {
  positionals: [],
  flags: [],
  async run(call) {
    const schema = settingsSchema(declareSettings(call.config.connectors))
    call.print.result(schema, () => JSON.stringify(schema, null, 2))
    return 0
  },
}
