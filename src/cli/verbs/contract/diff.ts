import { changesBetween } from '../../../contract/registration/plan-registration.ts'
import { readProposals } from '../../../settings/read-proposals.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../../ports/schema-registry.ts'
import type { Verb } from '../../verb.ts'

/** What a proposed schema changes against a version in force (the latest, unless one is named). */
export const contractDiff: Verb = {
  positionals: [
    { name: 'FILE', meaning: 'a schema file, or a subject', required: true },
    { name: 'VERSION', meaning: 'the version to compare with; the latest where none is named', required: false },
  ],
  flags: [],
  notes: ['A subject without a file in paths.schemas is compared with its latest version instead.'],
  async run({ world: open, positionals, print, cwd }) {
    const { registry, settings } = await open()
    const [named = '', version] = positionals
    const proposal = await proposalOf({ folder: settings.paths.schemas, named: [named], cwd })
    const subject = proposal?.subject ?? named
    const before =
      version === undefined ? await registry.latest(subject) : await registry.version(subject, versionNumber(version))
    if (before === null) throw unknown(subject, version)
    const after = proposal ?? (await latest(registry, subject))
    const changes = changesBetween(before, after)
    const to = proposal === null ? (after as RegisteredSchema).version : null
    print.result({ subject, from: before.version, to, changes }, () =>
      changes.length === 0
        ? `${subject}: nothing that a contract states changes against version ${before.version}`
        : [
            `${subject}, against version ${before.version}:`,
            ...changes.map(({ field, message }) => `  ${field === null ? '' : `${field}: `}${message}`),
          ].join('\n'),
    )
    return 0
  },
}

async function proposalOf(request: Parameters<typeof readProposals>[0]) {
  try {
    return (await readProposals(request))[0] ?? null
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SUBJECT_UNKNOWN') return null
    throw error
  }
}

async function latest(registry: SchemaRegistry, subject: string): Promise<RegisteredSchema> {
  const found = await registry.latest(subject)
  if (found === null) throw unknown(subject, undefined)
  return found
}

function versionNumber(text: string): number {
  const version = Number(text)
  if (!Number.isSafeInteger(version) || version < 1)
    throw new SluiceError('USAGE', `${JSON.stringify(text)} is no version; versions are 1, 2, 3, …`)
  return version
}

function unknown(subject: string, version: string | undefined): SluiceError {
  const what = version === undefined ? `subject ${subject}` : `version ${version} of subject ${subject}`
  return new SluiceError('SUBJECT_UNKNOWN', `the registry has no ${what}`, { where: { subject } })
}
