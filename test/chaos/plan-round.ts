import { seededRandom, shuffle } from '../support/random.ts'

/**
 * What one round of chaos does, as a function of its seed: what befalls each process, the broker, the store and the
 * registry, each of which goes through its own strikes in turn, and what the writer appends meanwhile.
 */
export interface RoundPlan {
  readonly seed: number
  /** Threads beside the reading one, in every process. */
  readonly workers: number
  readonly processes: readonly (readonly ProcessStrike[])[]
  readonly broker: readonly BrokerStrike[]
  readonly store: readonly StoreStrike[]
  readonly registry: readonly RegistryStrike[]
}

/** In one batch, `afterMs` after the one before it was acknowledged. */
export interface PlannedAppend {
  readonly afterMs: number
  readonly records: readonly PlannedRecord[]
}

/** `late`: by the late schema, with a field that the contract does not know; before it is there, a good one. */
export type PlannedRecord = 'good' | 'late' | 'broken_rule' | 'junk' | 'tombstone'

/** `afterMs` counts from the end of the strike before it: of a process, from when another has begun in its place. */
export type ProcessStrike =
  /** SIGKILL; the next process under this place comes after `downMs`, and dies by itself at `diesAt`, if stated. */
  | { readonly kind: 'kill'; readonly afterMs: number; readonly downMs: number; readonly diesAt: string | null }
  /** SIGSTOP, and SIGCONT after `ms`. */
  | { readonly kind: 'pause'; readonly afterMs: number; readonly ms: number }
  /** SIGTERM: it drains and leaves. */
  | { readonly kind: 'leave'; readonly afterMs: number; readonly downMs: number }

export interface BrokerStrike {
  readonly kind: 'kill' | 'stop' | 'pause'
  readonly afterMs: number
  readonly downMs: number
}

export interface StoreStrike {
  readonly kind: 'error_500' | 'error_503' | 'slow' | 'cut' | 'lost' | 'refused'
  /** Requests that it may befall, and the share of them that it does. */
  readonly on: 'everything' | 'commits' | 'puts' | 'gets'
  readonly share: number
  readonly afterMs: number
  readonly ms: number
}

export interface RegistryStrike {
  readonly kind: 'error_503' | 'refused' | 'slow' | 'paused'
  readonly afterMs: number
  readonly ms: number
  /** Then the writer's late schema is registered, and its records come; null is not now. */
  readonly lateSchemaAfterMs: number | null
}

export const PROCESSES = 3
export const PARTITIONS = 4
/** Others take over from a process that was silent for so long. */
export const SESSION_MS = 3_000
const MOST_RECORDS = 40
/** Where a process may die by itself: right after the step became durable. */
const STEPS = ['fetch.done', 'letters.written', 'data_file.written', 'commit.done', 'checkpoint.written'] as const

export function planRound(seed: number): RoundPlan {
  const dice = new Dice(seed)
  return {
    seed,
    workers: dice.chance(0.3) ? 1 : 0,
    processes: planProcesses(dice),
    broker: planBroker(dice),
    store: Array.from({ length: dice.between(3, 5) }, () => planStore(dice)),
    registry: planRegistry(dice),
  }
}

/** What comes to a partition, without end. */
export function* planAppends(seed: number, partition: number): Generator<PlannedAppend> {
  const dice = new Dice(seed ^ (0x9e37 * (partition + 1)))
  for (;;) {
    const records = Array.from({ length: dice.between(1, MOST_RECORDS) }, () => planRecord(dice))
    yield { afterMs: dice.between(20, 400), records }
  }
}

/** A line to print. */
export function describePlan({ processes, broker, store, registry, workers }: RoundPlan): string {
  const struck = processes.map((strikes) => strikes.map(describeProcessStrike).join('+')).join(' | ')
  const brokers = broker.map(({ kind, downMs }) => `${kind} ${downMs} ms`)
  const stores = store.map(({ kind, on, share, ms }) => `${kind} on ${Math.round(share * 100)} % of ${on} ${ms} ms`)
  const registries = registry.map(({ kind, ms }) => `${kind} ${ms} ms`)
  const say = (name: string, all: readonly string[]): string => `${name}: ${all.join(', ') || 'nothing'}`
  return [
    `processes (${workers} workers): ${struck}`,
    say('broker', brokers),
    say('store', stores),
    say('registry', registries),
  ].join('; ')
}

function describeProcessStrike(strike: ProcessStrike): string {
  if (strike.kind === 'pause') return `pause ${strike.ms} ms`
  return strike.kind === 'kill' && strike.diesAt !== null ? `kill, then at ${strike.diesAt}` : strike.kind
}

function planRecord(dice: Dice): PlannedRecord {
  const rolled = dice.roll()
  if (rolled < 0.03) return 'junk'
  if (rolled < 0.07) return 'broken_rule'
  if (rolled < 0.1) return 'tombstone'
  return rolled < 0.3 ? 'late' : 'good'
}

/** Every round kills one process, pauses one past its session, and does one thing more; which is which is left to chance. */
function planProcesses(dice: Dice): ProcessStrike[][] {
  const musts = [planKill(dice), planPause(dice, 'past its session'), planAny(dice)]
  return dice.shuffled(musts).map((must) => {
    const more = dice.chance(0.5) ? [planAny(dice)] : []
    return dice.shuffled([must, ...more])
  })
}

function planAny(dice: Dice): ProcessStrike {
  const rolled = dice.roll()
  if (rolled < 0.5) return planKill(dice)
  if (rolled < 0.75) return planPause(dice, 'within its session')
  return { kind: 'leave', afterMs: dice.between(300, 2_000), downMs: dice.between(0, 1_000) }
}

function planKill(dice: Dice): ProcessStrike {
  const diesAt = dice.chance(0.5) ? `${dice.pick(STEPS)}:${dice.between(1, 2)}` : null
  return { kind: 'kill', afterMs: dice.between(300, 2_500), downMs: dice.between(0, 1_000), diesAt }
}

function planPause(dice: Dice, length: 'past its session' | 'within its session'): ProcessStrike {
  const ms =
    length === 'past its session' ? dice.between(SESSION_MS + 500, SESSION_MS + 2_000) : dice.between(200, 2_000)
  return { kind: 'pause', afterMs: dice.between(500, 2_000), ms }
}

function planBroker(dice: Dice): BrokerStrike[] {
  const rolled = dice.roll()
  if (rolled < 0.2) return []
  const kind = rolled < 0.5 ? 'kill' : rolled < 0.75 ? 'stop' : 'pause'
  return [{ kind, afterMs: dice.between(1_000, 3_500), downMs: dice.between(0, kind === 'pause' ? 5_000 : 1_500) }]
}

function planStore(dice: Dice): StoreStrike {
  const kind = dice.pick(['error_500', 'error_503', 'slow', 'cut', 'lost', 'refused'])
  const on = kind === 'cut' ? 'gets' : dice.pick(['everything', 'everything', 'commits', 'puts', 'gets'])
  const share = dice.chance(0.2) ? 1 : 0.1 + dice.roll() * 0.6
  return { kind, on, share, afterMs: dice.between(100, 1_200), ms: dice.between(400, 2_000) }
}

/** The first is out while a schema comes, so that its records wait for it. */
function planRegistry(dice: Dice): RegistryStrike[] {
  const ms = dice.between(1_500, 3_000)
  const outage: RegistryStrike = {
    kind: dice.pick(['error_503', 'refused', 'paused']),
    afterMs: dice.between(300, 2_000),
    ms,
    lateSchemaAfterMs: Math.round(ms / 4),
  }
  const kind = dice.pick(['error_503', 'refused', 'paused', 'slow'])
  const ended = { kind, afterMs: dice.between(300, 1_500), ms: dice.between(500, 1_500), lateSchemaAfterMs: null }
  return dice.chance(0.5) ? [outage, ended] : [outage]
}

class Dice {
  readonly roll: () => number

  constructor(seed: number) {
    this.roll = seededRandom(seed)
  }

  chance(share: number): boolean {
    return this.roll() < share
  }

  /** Whole, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.roll() * (most - least + 1))
  }

  pick<const T>(choices: readonly T[]): T {
    return choices[Math.floor(this.roll() * choices.length)]!
  }

  shuffled<T>(all: readonly T[]): T[] {
    return shuffle(all, this.roll)
  }
}
