import {
  incompatibleError,
  planRegistration,
  type RegistrationStep,
} from '../../../contract/registration/plan-registration.ts'
import { readProposals } from '../../../settings/read-proposals.ts'
import { readStanding } from '../../../contract/registration/read-standing.ts'
import { DRY_RUN, type Verb } from '../../verb.ts'
import { ALLOW_TIGHTENING, registeredForm, stepText } from './step-report.ts'

/** Gives proposed schemas force. All are checked before the first is registered; one that may not follow stops all. */
export const contractRegister: Verb = {
  positionals: [
    {
      name: 'FILE',
      meaning: 'schema files or subjects; all of paths.schemas where none is named',
      required: false,
      repeated: true,
    },
  ],
  flags: [ALLOW_TIGHTENING, DRY_RUN],
  async run({ world: open, positionals, flags, print, cwd }) {
    const { registry, settings } = await open()
    const proposals = await readProposals({ folder: settings.paths.schemas, named: positionals, cwd })
    const allowTightening = flags.on('allow-tightening')
    const steps: RegistrationStep[] = []
    for (const proposal of proposals) {
      steps.push(planRegistration(proposal, await readStanding(registry, proposal.subject), allowTightening))
    }
    const refused = steps.filter((step) => step.outcome === 'incompatible')
    const write = refused.length === 0 && !flags.on('dry-run')
    const ids: (number | null)[] = []
    for (const { proposal, outcome } of steps) {
      // Tightening was accepted here; the registry's own check does not know of it.
      const force = allowTightening && outcome === 'next'
      const { subject, format, text } = proposal
      ids.push(write ? (await registry.register(subject, { format, text }, { force })).id : null)
    }
    print.result({ dry_run: !write, subjects: steps.map((step, i) => registeredForm(step, ids[i] ?? null)) }, () =>
      [
        ...(proposals.length === 0 ? [`no schemas in ${settings.paths.schemas}`] : steps.map(stepText)),
        ...(refused.length > 0 || flags.on('dry-run') ? ['nothing was registered'] : []),
      ].join('\n'),
    )
    return refused.length > 0 ? { errors: refused.map(incompatibleError) } : 0
  },
}
