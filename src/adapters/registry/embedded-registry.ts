import { SluiceError } from '../../domain/errors.ts'
import { checkName } from '../../domain/identifier.ts'
import { canonicalContent } from '../../domain/schema-content.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CompatibilityMode, RegisteredSchema, SchemaRegistry, SchemaText } from '../../ports/schema-registry.ts'
import { contentId, MAX_ID } from './content-id.ts'
import { incompatible } from './incompatible.ts'
import { openRegistryFiles } from './registry-files.ts'

/** Why a proposal may not follow what stands; empty where it may. Throws CONTRACT_INVALID for what is no schema. */
export type CompatibilityCheck = (question: {
  readonly subject: string
  readonly proposed: SchemaText
  readonly existing: readonly SchemaText[]
  readonly mode: CompatibilityMode
  readonly allowTightening: boolean
}) => readonly { readonly field: string | null; readonly message: string }[]

export interface EmbeddedRegistryOptions {
  readonly dir: string
  readonly compatible: CompatibilityCheck
  readonly clock: Pick<Clock, 'newId'>
}

export interface EmbeddedRegistry extends SchemaRegistry {
  setCompatibility(subject: string, mode: CompatibilityMode): Promise<void>
}

const DEFAULT_MODE: CompatibilityMode = 'BACKWARD'

/**
 * A registry in a folder, for one machine. Safe for several processes: an id and a version are each claimed by a link
 * that only one can make, and nothing is ever changed once it stands. Ids come from the content (attributes included),
 * so two folders give one content one id, unless two contents collide (31 bits): the later then takes the next free id.
 */
export async function openEmbeddedRegistry({
  dir,
  compatible,
  clock,
}: EmbeddedRegistryOptions): Promise<EmbeddedRegistry> {
  const files = await openRegistryFiles(dir, clock)

  const versionsOf = async (subject: string): Promise<RegisteredSchema[]> => {
    const found: RegisteredSchema[] = []
    for (const version of await files.listVersions(checkName(subject, 'subject'))) {
      const stored = await files.readVersion(subject, version)
      if (stored !== null) found.push(stored)
    }
    return found
  }
  const modeOf = async (subject: string): Promise<CompatibilityMode> =>
    (await files.readMode(checkName(subject, 'subject'))) ?? DEFAULT_MODE

  /** The id of this content, claimed where it has none yet. */
  const claimId = async (schema: SchemaText): Promise<number> => {
    const content = canonicalContent(schema)
    for (let id = contentId(content), tries = 0; tries < 1000; id = id === MAX_ID ? 1 : id + 1, tries += 1) {
      const held =
        (await files.readContent(id)) ?? ((await files.linkContent(id, schema)) ? schema : await files.readContent(id))
      if (held !== null && canonicalContent(held) === content) return id
    }
    throw new SluiceError('REGISTRY_UNAVAILABLE', `no free schema id was found in ${dir}`)
  }

  return {
    async byId(id) {
      if (!Number.isSafeInteger(id) || id < 1 || id > MAX_ID) return null
      const held = await files.readContent(id)
      if (held === null) return null
      for (const subject of await files.listSubjects()) {
        const found = (await versionsOf(subject)).find((schema) => schema.id === id)
        if (found !== undefined) return found
      }
      // Claimed by a registration that never finished: nothing was written with it.
      return null
    },
    async latest(subject) {
      return (await versionsOf(subject)).at(-1) ?? null
    },
    version: async (subject, version) => files.readVersion(checkName(subject, 'subject'), version),
    versions: async (subject) => files.listVersions(checkName(subject, 'subject')),
    subjects: () => files.listSubjects(),
    compatibility: modeOf,
    setCompatibility: (subject, mode) => files.writeMode(checkName(subject, 'subject'), mode),
    async register(subject, schema, options = {}) {
      for (;;) {
        const standing = await versionsOf(subject)
        const content = canonicalContent(schema)
        const same = standing.find((each) => canonicalContent(each) === content)
        if (same !== undefined) return same
        const mode = options.force === true ? 'NONE' : await modeOf(subject)
        const reasons = compatible({ subject, proposed: schema, existing: standing, mode, allowTightening: false })
        if (reasons.length > 0) throw incompatible(subject, standing.at(-1)!.version, reasons)
        const version = (standing.at(-1)?.version ?? 0) + 1
        const registered = { subject, version, id: await claimId(schema), format: schema.format, text: schema.text }
        if (await files.linkVersion(registered)) return registered
        // Another process took this version: its schema must be asked too.
      }
    },
    close: () => Promise.resolve(),
  }
}
