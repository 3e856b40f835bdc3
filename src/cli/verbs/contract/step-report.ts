import type { RegistrationStep } from '../../../contract/registration/plan-registration.ts'
import type { Flag } from '../../flag-values.ts'

export const ALLOW_TIGHTENING: Flag = {
  name: 'allow-tightening',
  type: 'switch',
  meaning: 'accept rules that became stricter',
}

/** The `--json` form of a step, of `contract check`. */
export function stepForm({ proposal, outcome, version, against, reasons, changes }: RegistrationStep) {
  return {
    subject: proposal.subject,
    compatible: outcome !== 'incompatible',
    outcome,
    version,
    against,
    reasons,
    changes,
  }
}

/** The `--json` form of a step, of `contract register`; the id is null where nothing was registered. */
export function registeredForm({ proposal, outcome, version, changes }: RegistrationStep, id: number | null) {
  return { subject: proposal.subject, outcome, version, id, changes }
}

export function stepText({ proposal, outcome, version, against, changes }: RegistrationStep): string {
  const { subject } = proposal
  const listed = changes.map(({ field, message }) => `\n  ${field === null ? '' : `${field}: `}${message}`).join('')
  switch (outcome) {
    case 'first':
      return `${subject}: new subject, version 1`
    case 'next':
      return `${subject}: version ${version} may follow version ${against}${listed}`
    case 'same':
      return `${subject}: unchanged, version ${version} is in force`
    case 'older':
      return `${subject}: this is version ${version}; version ${against} stays in force (pin ${subject}@${version} to use it)`
    case 'incompatible':
      return `${subject}: may not follow version ${against}${listed}`
  }
}
