import { classifyError, gravestExit, reportError, SluiceError } from '../../domain/errors.ts'
import type { EventContext } from '../../domain/events.ts'
import { nearestWord, suggestion } from '../../domain/nearest-word.ts'
import type { ConnectorDeclaration } from '../../domain/setting-declarations.ts'
import type { Settings } from '../../domain/settings.ts'
import type { EventSink } from '../../ports/event-sink.ts'
import type { StartService } from '../../ports/service.ts'
import type { Bench, World } from '../../ports/world.ts'
import { loadSettings } from '../../settings/load-settings.ts'
import { askToConfirm } from './confirm.ts'
import type { Asking } from './confirm.ts'
import { FlagValues } from '../flag-values.ts'
import { formatError } from './format-error.ts'
import { formatFamilyHelp, formatTopHelp, formatVerbHelp } from './format-help.ts'
import { interruptionOf } from './interruption.ts'
import { COMMON_FLAGS, parseArguments } from './parse-arguments.ts'
import type { ParsedArguments } from './parse-arguments.ts'
import { Printer } from '../printer.ts'
import type { Streams } from '../printer.ts'
import { createProgressListener } from './progress.ts'
import { changesData, type Verb, type VerbCall, type VerbEnd, type VerbEntry } from '../verb.ts'

export interface Frame {
  readonly verbs: readonly VerbEntry[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly program: string
  readonly streams: Streams
  readonly asking: Omit<Asking, 'yes'>
  readonly signal: AbortSignal
  readonly nowMs: () => number
  readonly version: () => string
  readonly connectors: () => Promise<readonly ConnectorDeclaration[]>
  readonly openWorld: (input: OpenWorldInput) => Promise<World>
  readonly openBench: () => Promise<Bench>
  readonly startService: StartService
}

export interface OpenWorldInput {
  readonly settings: Settings
  readonly verb: string
  /** The verb works on the data rather than looks at it. */
  readonly works: boolean
  readonly signal: AbortSignal
  readonly listeners: readonly EventSink[]
}

const CLOSE_MS = 1_000

/** Exits at which the verb's own form stands under `--json`; at others the error takes its place. */
const OWN_FORM: ReadonlySet<number> = new Set([0, 1, 3])

/** One command line, from words to exit code. Never throws. */
export async function dispatch(argv: readonly string[], frame: Frame): Promise<number> {
  const json = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined).includes('--json')
  const printer = new Printer(frame.streams, json)
  try {
    const found = findVerb(argv, frame.verbs)
    switch (found.kind) {
      case 'version':
        frame.streams.out(`${frame.version()}\n`)
        return 0
      case 'top':
        frame.streams.out(formatTopHelp(frame.verbs))
        return 0
      case 'family':
        frame.streams.out(formatFamilyHelp(found.word, found.members))
        return 0
      case 'verb': {
        const verb = await found.entry.load()
        const parsed = parseArguments(found.rest, verb, { name: found.entry.name, nowMs: frame.nowMs() })
        if (parsed.flags.get('help') === true) {
          frame.streams.out(formatVerbHelp(found.entry, verb))
          return 0
        }
        return await runVerb({ entry: found.entry, verb, parsed, printer, json }, frame)
      }
    }
  } catch (error) {
    return failWith({ errors: [classifyError(error)], printer, json })
  }
}

type Found =
  | { readonly kind: 'version' }
  | { readonly kind: 'top' }
  | { readonly kind: 'family'; readonly word: string; readonly members: readonly VerbEntry[] }
  | { readonly kind: 'verb'; readonly entry: VerbEntry; readonly rest: readonly string[] }

/** The verb is the first word that is neither a flag nor the value of one that every verb takes. */
function findVerb(argv: readonly string[], verbs: readonly VerbEntry[]): Found {
  const places = wordPlaces(argv)
  const [at, secondAt] = places
  const word = at === undefined ? undefined : argv[at]
  const help = argv.includes('--help') || argv.includes('-h')
  if (word === undefined || at === undefined) {
    if (argv.includes('--version') || argv.includes('-V')) return { kind: 'version' }
    const odd = argv.find((arg) => !COMMON_FLAGS.some((flag) => `--${flag.name}` === arg.split('=')[0]) && arg !== '-h')
    if (odd !== undefined)
      throw new SluiceError('USAGE', `no verb was given, and ${JSON.stringify(odd)} is no flag of Sluice itself`)
    return { kind: 'top' }
  }
  if (word === 'help') return findVerb([...argv.slice(at + 1), '--help'], verbs)
  const without = (...places: readonly number[]): string[] =>
    argv.filter((_, i) => !places.includes(i)).map((arg) => (arg === '-h' ? '--help' : arg))
  const single = verbs.find((verb) => verb.name === word)
  if (single !== undefined) return { kind: 'verb', entry: single, rest: without(at) }
  const members = verbs.filter((verb) => verb.name.startsWith(`${word} `))
  if (members.length === 0) {
    const words = new Set(verbs.filter((verb) => verb.hidden !== true).map((verb) => verb.name.split(' ')[0] ?? ''))
    throw new SluiceError('USAGE', `there is no verb ${JSON.stringify(word)}${suggestion(word, words)}`)
  }
  const action = secondAt === undefined ? undefined : argv[secondAt]
  if (action === undefined || secondAt === undefined) {
    if (help) return { kind: 'family', word, members }
    throw new SluiceError('USAGE', `\`sluice ${word}\` needs one of: ${actionsOf(members)}`)
  }
  const entry = members.find((verb) => verb.name === `${word} ${action}`)
  if (entry !== undefined) return { kind: 'verb', entry, rest: without(at, secondAt) }
  const near = nearestWord(
    action,
    members.map((verb) => verb.name.slice(word.length + 1)),
  )
  throw new SluiceError(
    'USAGE',
    `\`sluice ${word}\` has no ${JSON.stringify(action)}, only: ${actionsOf(members)}${near === null ? '' : `; did you mean ${near}?`}`,
  )
}

function wordPlaces(argv: readonly string[]): number[] {
  const taking = new Set(COMMON_FLAGS.filter((flag) => flag.type !== 'switch').map((flag) => `--${flag.name}`))
  const places: number[] = []
  for (let i = 0; i < argv.length && places.length < 2; i += 1) {
    const arg = argv[i]!
    if (arg === '--') break
    if (taking.has(arg)) i += 1
    else if (!arg.startsWith('-')) places.push(i)
    else if (places.length === 1 && !COMMON_FLAGS.some((flag) => `--${flag.name}` === arg.split('=')[0])) break
  }
  return places
}

function actionsOf(members: readonly VerbEntry[]): string {
  return members.map((verb) => verb.name.split(' ').slice(1).join(' ')).join(', ')
}

interface Running {
  readonly entry: VerbEntry
  readonly verb: Verb
  readonly parsed: ParsedArguments
  readonly printer: Printer
  readonly json: boolean
}

async function runVerb(running: Running, frame: Frame): Promise<number> {
  const { entry, verb, parsed, printer, json } = running
  const connectors = await frame.connectors()
  const flags = new FlagValues([...verb.flags, ...COMMON_FLAGS], parsed.flags)
  const sets = flags.texts('set')
  const file = flags.text('config')
  const works = changesData(entry, verb)
  const quiet = !works || entry.tells === true || (frame.streams.terminal && !json)
  let settings: Settings | null = null
  let world: Promise<World> | null = null
  let bench: Promise<Bench> | null = null
  const env = { ...frame.env, ...verb.variables?.(flags) }
  const call: VerbCall = {
    positionals: parsed.positionals,
    flags,
    json,
    print: printer,
    signal: frame.signal,
    env,
    cwd: frame.cwd,
    program: frame.program,
    config: { file, sets, connectors, quiet },
    settings: () => (settings ??= loadSettings({ file, sets, env, cwd: frame.cwd, connectors, quiet })),
    world: () => (world ??= openWorld(frame, { entry, works, settings: call.settings(), printer })),
    bench: () => (bench ??= frame.openBench()),
    startService: frame.startService,
    confirm: (question) => askToConfirm(question, { ...frame.asking, yes: flags.on('yes') }),
  }
  let end: VerbEnd
  try {
    end = await runAndClose(verb, call, {
      verb: entry.name,
      startMs: frame.nowMs(),
      nowMs: frame.nowMs,
      world: () => world,
      bench: () => bench,
    })
  } catch (error) {
    const interruption = interruptionOf(error, frame.signal)
    if (interruption !== null) {
      printer.error(`${interruption.message}; what was committed stands, the next run goes on from there\n`)
      return interruption.exitCode
    }
    return failWith({ errors: [classifyError(error)], printer, json })
  }
  if (typeof end === 'number') return finish(end, printer)
  return end.errors.length === 0 ? finish(0, printer) : failWith({ ...end, printer, json })
}

interface Opening {
  readonly entry: VerbEntry
  readonly works: boolean
  readonly settings: Settings
  readonly printer: Printer
}

async function openWorld(frame: Frame, { entry, works, settings, printer }: Opening): Promise<World> {
  const follows = frame.streams.terminal || entry.stays !== true
  const listeners = follows ? [createProgressListener(printer)] : []
  const world = await frame.openWorld({ settings, verb: entry.name, works, signal: frame.signal, listeners })
  world.events.emit({ ...runContext(world, entry.name), type: 'run.started', verb: entry.name })
  return world
}

interface Closing {
  readonly verb: string
  readonly startMs: number
  readonly nowMs: () => number
  readonly world: () => Promise<World> | null
  readonly bench: () => Promise<Bench> | null
}

/** A failure to close counts only where the work itself succeeded. */
async function runAndClose(verb: Verb, call: VerbCall, closing: Closing): Promise<VerbEnd> {
  const close = async (exitCode: number): Promise<void> => {
    // What could not be opened was the verb's to tell of.
    await (await closing.bench()?.catch(() => null))?.close()
    const world = (await closing.world()?.catch(() => null)) ?? null
    if (world === null) return
    const ms = closing.nowMs() - closing.startMs
    world.events.emit({ ...runContext(world, closing.verb), type: 'run.ended', verb: closing.verb, exitCode, ms })
    const closed = world.close()
    // What was abandoned when the process was asked to end must not hold it.
    await (world.signal.aborted ? Promise.race([closed, world.clock.sleep(CLOSE_MS)]) : closed)
  }
  let end: VerbEnd
  try {
    end = await verb.run(call)
  } catch (error) {
    const interruption = interruptionOf(error, call.signal)
    try {
      await close(interruption?.exitCode ?? classifyError(error).row.exit)
    } catch {
      // The first error tells more.
    }
    throw error
  }
  await close(typeof end === 'number' ? end : gravestExit(end.errors.map((error) => error.row.exit)))
  return end
}

function runContext({ runId, traceId }: World, verb: string): EventContext {
  return { runId, traceId, jobName: verb }
}

function finish(exit: number, printer: Printer): number {
  printer.end(undefined)
  return exit
}

interface Failure {
  readonly errors: readonly SluiceError[]
  readonly formBeside?: object
  readonly printer: Printer
  readonly json: boolean
}

function failWith({ errors, formBeside, printer, json }: Failure): number {
  const exit = gravestExit(errors.map((error) => error.row.exit))
  const gravest = errors.find((error) => error.row.exit === exit) ?? errors[0]!
  const others = errors.filter((error) => error !== gravest)
  if (!json || printer.begun || OWN_FORM.has(exit)) printer.error(errors.map(formatError).join(''))
  if (exit === 70) printer.error(`${stackOf(gravest)}\n`)
  if (OWN_FORM.has(exit)) {
    printer.end(undefined)
  } else {
    const also = others.length === 0 ? {} : { also: others.map(reportError) }
    printer.end({ error: reportError(gravest), ...also, ...formBeside })
  }
  return exit
}

function stackOf(error: SluiceError): string {
  const cause = error.cause
  return (cause instanceof Error ? cause.stack : error.stack) ?? error.message
}
