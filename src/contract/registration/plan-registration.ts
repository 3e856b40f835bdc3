import { SluiceError } from '../../domain/errors.ts'
import { canonicalContent } from '../../domain/schema-content.ts'
import type { CompatibilityMode, RegisteredSchema, SchemaText } from '../../ports/schema-registry.ts'
import { diffContracts, type ContractChange } from '../diff.ts'
import { checkEvolution } from '../evolution.ts'
import type { Incompatibility } from '../incompatibility.ts'
import { describesRecord, parseContract } from '../parse-contract.ts'
import type { Proposal } from '../../domain/proposal.ts'

/** What the registry holds of one subject. */
export interface Standing {
  /** Ascending. */
  readonly versions: readonly RegisteredSchema[]
  readonly mode: CompatibilityMode
}

export interface RegistrationStep {
  readonly proposal: Proposal
  /**
   * `first`: a new subject. `next`: a new version. `same`: in force already. `older`: an earlier version has this
   * content; registries do not make it the latest again. `incompatible`: refused, for `reasons`.
   */
  readonly outcome: 'first' | 'next' | 'same' | 'older' | 'incompatible'
  /** The version that the proposal has, or would have. */
  readonly version: number
  /** The version that it is compared with; null for a new subject. */
  readonly against: number | null
  readonly reasons: readonly Incompatibility[]
  readonly changes: readonly ContractChange[]
}

/** What registering a proposal would do. Pure; throws CONTRACT_INVALID where the proposal is no schema or contract. */
export function planRegistration(proposal: Proposal, standing: Standing, allowTightening: boolean): RegistrationStep {
  const { versions, mode } = standing
  const latest = versions.at(-1) ?? null
  checkProposal(proposal)
  const content = canonicalContent(proposal)
  const base = { proposal, against: latest?.version ?? null, reasons: [], changes: changesBetween(latest, proposal) }
  if (latest === null) return { ...base, outcome: 'first', version: 1 }
  const held = versions.findLast((each) => canonicalContent(each) === content)
  if (held !== undefined) return { ...base, outcome: held === latest ? 'same' : 'older', version: held.version }
  const reasons = checkEvolution({
    proposed: proposal,
    existing: versions,
    mode,
    allowTightening,
    subject: proposal.subject,
  })
  return { ...base, reasons, outcome: reasons.length > 0 ? 'incompatible' : 'next', version: latest.version + 1 }
}

/** A schema that describes no record with fields may be registered (a key's, say); only a contract is held to more. */
export function checkProposal(proposal: Proposal): void {
  const { subject, format, text } = proposal
  checkEvolution({ proposed: proposal, existing: [], mode: 'NONE', allowTightening: false, subject })
  if (describesRecord({ subject, format, text })) parseContract({ subject, format, text, version: 1, id: 1 })
}

/** One error that names every reason; for the exit code and for people. */
export function incompatibleError({ proposal, against, reasons }: RegistrationStep): SluiceError {
  const listed = reasons.map(({ field, message }) => `\n  ${field === null ? '' : `${field}: `}${message}`).join('')
  const onlyRules = reasons.every(({ kind }) => kind === 'rule')
  return new SluiceError(
    'CONTRACT_INCOMPATIBLE',
    `${proposal.subject} is incompatible with version ${against ?? 0}:${listed}`,
    {
      where: { subject: proposal.subject, file: proposal.file, ...(against === null ? {} : { version: against }) },
      ...(onlyRules ? { hint: 'Only rules became stricter: --allow-tightening accepts that.' } : {}),
    },
  )
}

/** Readable changes; empty where one of the two is no contract. */
export function changesBetween(
  before: (SchemaText & { readonly subject: string }) | null,
  after: SchemaText & { readonly subject: string },
): ContractChange[] {
  if (before === null) return []
  try {
    const [old, now] = [before, after].map(({ subject, format, text }) =>
      parseContract({ subject, format, text, version: 1, id: 1 }),
    )
    return diffContracts(old!, now!)
  } catch (error) {
    if (error instanceof SluiceError) return []
    throw error
  }
}
