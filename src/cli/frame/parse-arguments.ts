import { parseArgs } from 'node:util'
import { DURATION_FORM, parseDuration } from '../../domain/duration.ts'
import { SluiceError } from '../../domain/errors.ts'
import { suggestion } from '../../domain/nearest-word.ts'
import type { Flag, FlagValue } from '../flag-values.ts'
import type { Verb } from '../verb.ts'

/** Flags that every verb takes. */
export const COMMON_FLAGS: readonly Flag[] = [
  {
    name: 'config',
    type: 'text',
    value: 'FILE',
    meaning: 'settings (else SLUICE_CONFIG, ./sluice.yaml, config/dev.yaml)',
  },
  { name: 'set', type: 'texts', value: 'KEY.PATH=VALUE', meaning: 'override one setting; may be repeated' },
  { name: 'json', type: 'switch', meaning: 'print one JSON document (for streams: one a line)' },
  { name: 'help', type: 'switch', meaning: 'show this' },
]

export interface ParsedArguments {
  readonly positionals: readonly string[]
  readonly flags: ReadonlyMap<string, FlagValue>
}

/** Reads what follows the verb's name. Throws USAGE, naming what is near to an unknown flag. */
export function parseArguments(
  args: readonly string[],
  verb: Verb,
  call: { name: string; nowMs: number },
): ParsedArguments {
  const flags = [...verb.flags, ...COMMON_FLAGS]
  const parsed = parseTokens(joinNegativeValues(args, flags), flags, call.name)
  const values = new Map<string, FlagValue>()
  for (const flag of flags) {
    const given = parsed.values[flag.name]
    if (given !== undefined) values.set(flag.name, toValue(flag, given, call.nowMs))
  }
  if (values.get('help') !== true) checkPositionals(parsed.positionals, verb, call.name)
  return { positionals: parsed.positionals, flags: values }
}

interface Tokens {
  readonly values: Readonly<Record<string, unknown>>
  readonly positionals: readonly string[]
}

function parseTokens(args: readonly string[], flags: readonly Flag[], verbName: string): Tokens {
  const options = Object.fromEntries(
    flags.map((flag) => [
      flag.name,
      { type: flag.type === 'switch' ? ('boolean' as const) : ('string' as const), multiple: flag.type === 'texts' },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    return { values, positionals }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
      const unknown = tokens.find((token) => token.kind === 'option' && !Object.hasOwn(options, token.name))
      if (unknown?.kind === 'option') {
        const near = suggestion(
          unknown.rawName,
          flags.map((flag) => `--${flag.name}`),
        )
        throw usage(`\`sluice ${verbName}\` has no flag ${unknown.rawName}${near}`, verbName, error)
      }
    }
    if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' || code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
      throw usage(message.replace(/^Option '/, "flag '"), verbName, error)
    }
    throw error
  }
}

const DAY_MS = 86_400_000

/** `--to-time -2h` is meant as a value; the parser takes it only as `--to-time=-2h`. */
function joinNegativeValues(args: readonly string[], flags: readonly Flag[]): string[] {
  const taking = new Set(flags.filter((flag) => flag.type !== 'switch').map((flag) => `--${flag.name}`))
  const joined: string[] = []
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i]!
    const next = args[i + 1]
    if (arg === '--') return [...joined, ...args.slice(i)]
    if (taking.has(arg) && next !== undefined && /^-\d/.test(next)) {
      joined.push(`${arg}=${next}`)
      i += 1
    } else {
      joined.push(arg)
    }
  }
  return joined
}

function toValue(flag: Flag, given: unknown, nowMs: number): FlagValue {
  if (flag.type === 'switch') return given === true
  if (flag.type === 'texts') return given as readonly string[]
  const text = String(given)
  switch (flag.type) {
    case 'text':
      return text
    case 'integer': {
      const value = Number(text)
      if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw wrong(flag, text, 'a whole number')
      return value
    }
    case 'offset':
      if (!/^\d{1,19}$/.test(text)) throw wrong(flag, text, 'an offset: a whole number')
      return BigInt(text)
    case 'duration': {
      const ms = parseDuration(text)
      if (ms === null) throw wrong(flag, text, DURATION_FORM)
      return ms
    }
    case 'time':
    case 'end': {
      const ms = parseTime(text, nowMs)
      if (ms === null) throw wrong(flag, text, 'a time: 2026-01-31T12:00:00Z, 2026-01-31, or back from now: -2h')
      return flag.type === 'end' && /^\d{4}-\d{2}-\d{2}$/.test(text) ? ms + DAY_MS : ms
    }
  }
}

/** ISO 8601 (without a zone: UTC), or a duration back from now. */
export function parseTime(text: string, nowMs: number): number | null {
  if (text.startsWith('-')) {
    const back = parseDuration(text.slice(1))
    return back === null ? null : nowMs - back
  }
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text)
  if (match === null) return null
  const [, day = '', time = '00:00', zone = 'Z'] = match
  const ms = Date.parse(`${day}T${time}${zone}`)
  // A day that the month does not have rolls over in Date.parse.
  if (Number.isNaN(ms) || new Date(Date.parse(`${day}T00:00Z`)).toISOString().slice(0, 10) !== day) return null
  return ms
}

function checkPositionals(given: readonly string[], verb: Verb, name: string): void {
  const missing = verb.positionals.find((positional, i) => positional.required && given[i] === undefined)
  if (missing !== undefined) throw usage(`\`sluice ${name}\` needs ${missing.name}: ${missing.meaning}`, name)
  const extra = given[verb.positionals.length]
  if (extra !== undefined && verb.positionals.at(-1)?.repeated !== true) {
    throw usage(`\`sluice ${name}\` does not take ${JSON.stringify(extra)}`, name)
  }
  if (given.some((text) => text === '')) throw usage(`an argument of \`sluice ${name}\` is empty`, name)
}

function wrong(flag: Flag, text: string, form: string): SluiceError {
  return new SluiceError('USAGE', `--${flag.name} ${JSON.stringify(text)} is not ${form}`)
}

function usage(message: string, verbName: string, cause?: unknown): SluiceError {
  return new SluiceError('USAGE', message, { hint: `See \`sluice ${verbName} --help\`.`, cause })
}
