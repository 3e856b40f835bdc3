import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Order, Role, RoundOrder, Told } from './race-actor.ts'
import { TRAVEL_MS, type RacePlace } from './race-table.ts'

/** The processes of a race, which live through all its rounds, and who leads them. */

interface Actor {
  readonly role: Role
  readonly name: string
  readonly lane: string
  readonly child: ChildProcess
}

const WRITERS: readonly Role[] = ['appender', 'merger']
/** Eight writers: five that append to three lanes, three that merge. */
const CAST: readonly (readonly [role: Role, name: string, lane: string])[] = [
  ...['a', 'a', 'b', 'b', 'c'].map((lane, i) => ['appender', `appender${i}`, lane] as const),
  ...[0, 1, 2].map((i) => ['merger', `merger${i}`, ''] as const),
  ['compactor', 'compactor', ''],
  ['vacuum', 'vacuum', ''],
  ['reader', 'reader', ''],
]

export class RaceProcesses {
  readonly #actors: readonly Actor[]

  constructor() {
    this.#actors = CAST.map(([role, name, lane]) => ({
      role,
      name,
      lane,
      child: fork(join(import.meta.dirname, 'race-actor.ts')),
    }))
  }

  async ready(): Promise<void> {
    await Promise.all(this.#actors.map(({ child }) => once(child, 'message')))
  }

  /** One round; everything that was told, in the order in which it came. Throws what a process could not do. */
  async round(place: RacePlace, { seed, turns }: { readonly seed: number; readonly turns: number }): Promise<Told[]> {
    const told: Told[] = []
    const begun = new Map<Actor, number>()
    let writing = this.#actors.filter(({ role }) => WRITERS.includes(role)).length
    const ends = this.#actors.map(
      (actor, i) =>
        new Promise<void>((resolve, reject) => {
          const { child } = actor
          const finish = (error?: Error): void => {
            child.removeAllListeners()
            if (error === undefined) resolve()
            else reject(error)
          }
          child.on('exit', (code) => finish(new Error(`${actor.name} ended with ${String(code)}`)))
          child.on('message', (message: Told) => {
            told.push(message)
            if (message.kind === 'begin') this.#go(actor, begun)
            if (message.kind === 'end') begun.delete(actor)
            if (message.kind === 'failed') finish(new Error(`${actor.name}: ${message.message}`))
            if (message.kind !== 'finished') return
            if (WRITERS.includes(actor.role) && --writing === 0)
              for (const each of this.#actors) send(each, { kind: 'stop' })
            finish()
          })
          const isWriter = WRITERS.includes(actor.role)
          const order: RoundOrder = {
            kind: 'round',
            place,
            seed: seed + i,
            role: actor.role,
            name: actor.name,
            lane: actor.lane,
            turns: isWriter ? turns : Number.MAX_SAFE_INTEGER,
          }
          send(actor, order)
        }),
    )
    await Promise.all(ends)
    return told
  }

  close(): void {
    for (const { child } of this.#actors) child.kill()
  }

  /** What a vacuum may take goes by the oldest step under way, as its retention must by the longest reader or writer. */
  #go(actor: Actor, begun: Map<Actor, number>): void {
    const startedMs = Date.now()
    begun.set(actor, startedMs)
    const retainMs = startedMs - Math.min(...begun.values()) + 2 * TRAVEL_MS
    send(actor, { kind: 'go', startedMs, retainMs })
  }
}

function send({ child }: Actor, order: Order): void {
  child.send(order)
}
