import { SluiceError } from '../../../domain/errors.ts'
import { checkName } from '../../../domain/identifier.ts'
import { canonicalContent } from '../../../domain/schema-content.ts'
import type { Clock } from '../../../ports/clock.ts'
import type { CompatibilityMode, RegisteredSchema, SchemaRegistry, SchemaText } from '../../../ports/schema-registry.ts'
import type { CompatibilityCheck } from '../embedded-registry.ts'
import { incompatible } from '../incompatible.ts'
import { checkSchema } from './check-schema.ts'
import { openKnownSchemas } from './known-schemas.ts'
import { isProbe, probeAttributes } from './probe-attributes.ts'
import { field, openRegistryHttp } from './registry-http.ts'
import type { RegistryAddress, RegistryAnswer, RegistryRequest } from './registry-http.ts'

export interface ConfluentRegistryOptions {
  readonly address: RegistryAddress
  readonly compatible: CompatibilityCheck
  readonly clock: Clock
  readonly cacheBytes?: number
  /** Another's registry, of which schemas are only read: nothing is registered in it, so it need not prove itself. */
  readonly isForeign?: boolean
}

const CACHE_BYTES = 32 * 1024 * 1024
/** A schema that was taken so often and is not there afterwards is one that the registry changes. */
const TAKEN_UNSEEN = 5
const UNSEEN_PAUSE_MS = 25
const MAX_ID = 0x7fff_ffff
/** After a failure, what is known is answered at once for so long. */
const REST_MS = 5_000
const MODES: ReadonlySet<unknown> = new Set<CompatibilityMode>([
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
])

/**
 * A registry with Confluent's REST API (Confluent, Apicurio, Karapace, Redpanda).
 *
 * Guarantees: before its first answer it has proved that schemas come back with their attributes, where contracts keep
 * rules and privacy, and is refused otherwise (REGISTRY_UNSAFE). An id that was seen is answered while the registry is
 * down, and so is the latest version of a subject, as it stood. An id that is not known throws REGISTRY_UNAVAILABLE
 * then, never null.
 * Non-guarantees: `force` sets the subject to NONE and back around one registration; another that comes in between is not
 * judged either, and Apicurio's global rule, where one is set, refuses all the same. Apicurio may keep two versions of
 * one content where two registered it at once; they have one id.
 */
export function openConfluentRegistry(options: ConfluentRegistryOptions): SchemaRegistry {
  const { address, compatible, clock } = options
  const http = openRegistryHttp(address, clock)
  const known = openKnownSchemas(options.cacheBytes ?? CACHE_BYTES)
  const lastLatest = new Map<string, RegisteredSchema>()
  let restUntilMs = 0
  let proof: Promise<void> | null = null

  async function proven(): Promise<void> {
    proof ??= options.isForeign === true ? Promise.resolve() : probeAttributes(http, address.url)
    try {
      await proof
    } catch (error) {
      proof = null
      throw error
    }
  }

  /** Null where the registry has no such subject, version or id. */
  async function ask(request: RegistryRequest): Promise<RegistryAnswer | null> {
    await proven()
    const answer = await http.send(request)
    if (answer.status === 404) return null
    if (answer.status >= 400) throw refused(address.url, answer)
    return answer
  }

  function registered(answer: RegistryAnswer, what: string): RegisteredSchema {
    const [subject, version, id] = ['subject', 'version', 'id'].map((name) => field(answer.body, name))
    if (typeof subject !== 'string' || typeof version !== 'number' || typeof id !== 'number') {
      throw new SluiceError(
        'REGISTRY_UNAVAILABLE',
        `${address.url} answered for ${what} without subject, version or id`,
      )
    }
    const schema = { subject, version, id, ...checkSchema(answer.body, what) }
    known.add(schema)
    return schema
  }

  async function version(subject: string, wanted: number | 'latest'): Promise<RegisteredSchema | null> {
    checkName(subject, 'subject')
    const answer = await ask({ method: 'GET', path: ['subjects', subject, 'versions', String(wanted)] })
    return answer === null ? null : registered(answer, `${subject}@${wanted}`)
  }

  async function versions(subject: string): Promise<number[]> {
    checkName(subject, 'subject')
    const answer = await ask({ method: 'GET', path: ['subjects', subject, 'versions'] })
    const listed = Array.isArray(answer?.body) ? answer.body : []
    return listed.filter((each): each is number => typeof each === 'number').sort((a, b) => a - b)
  }

  async function byId(id: number): Promise<RegisteredSchema | null> {
    if (!Number.isSafeInteger(id) || id < 1 || id > MAX_ID) return null
    const held = known.get(id)
    if (held !== null) return held
    const answer = await ask({ method: 'GET', path: ['schemas', 'ids', String(id)] })
    if (answer === null) return null
    const uses = await ask({ method: 'GET', path: ['schemas', 'ids', String(id), 'versions'] })
    const use: unknown = Array.isArray(uses?.body)
      ? uses.body.find((each) => !isProbe(field(each, 'subject')))
      : undefined
    const [subject, at] = [field(use, 'subject'), field(use, 'version')]
    // A schema that every subject has given up still tells how its records are written.
    const named =
      typeof subject === 'string' && typeof at === 'number' ? { subject, version: at } : { subject: '', version: 0 }
    const schema = { ...named, id, ...checkSchema(answer.body, `schema ${id}`) }
    known.add(schema)
    return schema
  }

  async function latest(subject: string): Promise<RegisteredSchema | null> {
    const before = lastLatest.get(subject)
    if (before !== undefined && clock.nowMs() < restUntilMs) return before
    try {
      const found = await version(subject, 'latest')
      restUntilMs = 0
      if (found === null) lastLatest.delete(subject)
      else lastLatest.set(subject, found)
      return found
    } catch (error) {
      if (before === undefined || !(error instanceof SluiceError) || error.code !== 'REGISTRY_UNAVAILABLE') throw error
      restUntilMs = clock.nowMs() + REST_MS
      return before
    }
  }

  async function compatibility(subject: string): Promise<CompatibilityMode> {
    checkName(subject, 'subject')
    const own = await ask({ method: 'GET', path: ['config', subject], query: 'defaultToGlobal=true' })
    const answer = own ?? (await ask({ method: 'GET', path: ['config'] }))
    const mode = field(answer?.body, 'compatibilityLevel')
    if (!MODES.has(mode)) {
      throw new SluiceError(
        'REGISTRY_UNAVAILABLE',
        `${address.url} states compatibility ${JSON.stringify(mode)} for ${subject}`,
      )
    }
    return mode as CompatibilityMode
  }

  async function standing(subject: string): Promise<RegisteredSchema[]> {
    const found = await Promise.all((await versions(subject)).map((each) => version(subject, each)))
    return found.filter((each) => each !== null)
  }

  async function post(subject: string, { format, text }: SchemaText): Promise<void> {
    const body = { schema: text, schemaType: format === 'avro' ? 'AVRO' : 'JSON' }
    await proven()
    const answer = await http.send({ method: 'POST', path: ['subjects', subject, 'versions'], body })
    if (answer.status === 409) {
      const message = `the registry refuses the next version of ${subject}: ${answer.message}`
      throw new SluiceError('CONTRACT_INCOMPATIBLE', message, { where: { subject } })
    }
    if (answer.status === 422) {
      const message = `the registry takes this for no schema of ${subject}: ${answer.message}`
      throw new SluiceError('CONTRACT_INVALID', message, { where: { subject } })
    }
    if (answer.status >= 400) throw refused(address.url, answer)
  }

  /** The subject judges nothing while `act` runs, and has its own mode again after. */
  async function unjudged(subject: string, act: () => Promise<void>): Promise<void> {
    const path = ['config', subject]
    const own = await ask({ method: 'GET', path })
    const mode = field(own?.body, 'compatibilityLevel')
    await ask({ method: 'PUT', path, body: { compatibility: 'NONE' } })
    try {
      await act()
    } finally {
      await (typeof mode === 'string'
        ? ask({ method: 'PUT', path, body: { compatibility: mode } })
        : ask({ method: 'DELETE', path }))
    }
  }

  return {
    byId,
    latest,
    version,
    versions,
    compatibility,
    async subjects() {
      const answer = await ask({ method: 'GET', path: ['subjects'] })
      const listed: unknown[] = Array.isArray(answer?.body) ? answer.body : []
      return listed.filter((each): each is string => typeof each === 'string' && !isProbe(each)).sort()
    },
    async register(subject, schema, { force = false } = {}) {
      const content = canonicalContent(schema)
      for (let unseen = 0; ;) {
        const before = await standing(subject)
        const same = before.find((each) => canonicalContent(each) === content)
        if (same !== undefined) return same
        const mode = force ? 'NONE' : await compatibility(subject)
        const reasons = compatible({ subject, proposed: schema, existing: before, mode, allowTightening: false })
        if (reasons.length > 0) throw incompatible(subject, before.at(-1)?.version ?? 0, reasons)
        try {
          if (force) await unjudged(subject, () => post(subject, schema))
          else await post(subject, schema)
        } catch (error) {
          // Where another registered in between, its version must be asked too; Apicurio answers the race with 409.
          if ((await versions(subject)).length === before.length) throw error
          continue
        }
        const after = (await standing(subject)).find((each) => canonicalContent(each) === content)
        if (after !== undefined) return after
        unseen += 1
        if (unseen === TAKEN_UNSEEN)
          throw new SluiceError('REGISTRY_UNSAFE', `${address.url} took a schema for ${subject} and gives another back`)
        // What it took while others registered may be listed late, or be lost to them (Apicurio 2.6.13, seldom).
        await clock.sleep(UNSEEN_PAUSE_MS * 2 ** unseen * (0.5 + clock.random()))
      }
    },
    close: async () => http.close(),
  }
}

function refused(url: string, { status, message, errorCode }: RegistryAnswer): SluiceError {
  const said = `${status}${errorCode === null ? '' : ` (${errorCode})`}: ${message}`
  return new SluiceError('REGISTRY_REFUSED', `the registry ${url} refused a request with ${said}`)
}
