import {
  incompatibleError,
  planRegistration,
  type RegistrationStep,
} from '../../../contract/registration/plan-registration.ts'
import { readProposals } from '../../../settings/read-proposals.ts'
import { readStanding } from '../../../contract/registration/read-standing.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { Verb } from '../../verb.ts'
import { ALLOW_TIGHTENING, stepForm, stepText } from './step-report.ts'

/** Says of each proposed schema whether it may follow the one in force, with every reason. Changes nothing. */
export const contractCheck: Verb = {
  positionals: [
    {
      name: 'FILE',
      meaning: 'schema files or subjects; all of paths.schemas where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [ALLOW_TIGHTENING],
  async run({ world: open, positionals, flags, print, cwd }) {
    const { registry, settings } = await open()
    const proposals = await readProposals({ folder: settings.paths.schemas, named: positionals, cwd })
    const steps: RegistrationStep[] = []
    const errors: SluiceError[] = []
    for (const proposal of proposals) {
      try {
        const step = planRegistration(
          proposal,
          await readStanding(registry, proposal.subject),
          flags.on('allow-tightening'),
        )
        steps.push(step)
        if (step.outcome === 'incompatible') errors.push(incompatibleError(step))
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'CONTRACT_INVALID') throw error
        errors.push(error)
      }
    }
    print.result({ checks: steps.map(stepForm) }, () =>
      proposals.length === 0 ? `no schemas in ${settings.paths.schemas}` : steps.map(stepText).join('\n'),
    )
    return errors.length > 0 ? { errors } : 0
  },
}
