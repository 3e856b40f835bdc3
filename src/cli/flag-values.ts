import { SluiceError } from '../domain/errors.ts'

export interface Flag {
  /** Without the dashes. */
  readonly name: string
  /**
   * `texts` may be given several times. A time is ISO 8601, or back from now: `-2h`; as an `end`, a day is one whose last
   * moment counts. Offsets are `bigint`.
   */
  readonly type: 'switch' | 'text' | 'texts' | 'integer' | 'offset' | 'duration' | 'time' | 'end'
  readonly meaning: string
  /** In capitals, for help; a switch has none. */
  readonly value?: string
}

export type FlagValue = string | boolean | number | bigint | readonly string[]

/** The flags of one call, read by the type that the verb declared. Asking for another type is a bug. */
export class FlagValues {
  readonly #declared: ReadonlyMap<string, Flag>
  readonly #values: ReadonlyMap<string, FlagValue>

  constructor(declared: readonly Flag[], values: ReadonlyMap<string, FlagValue>) {
    this.#declared = new Map(declared.map((flag) => [flag.name, flag]))
    this.#values = values
  }

  /** A switch: whether it was given. */
  on(name: string): boolean {
    return this.#get(name, ['switch']) === true
  }

  text(name: string): string | null {
    return (this.#get(name, ['text']) as string | undefined) ?? null
  }

  texts(name: string): readonly string[] {
    return (this.#get(name, ['texts']) as readonly string[] | undefined) ?? []
  }

  integer(name: string): number | null {
    return (this.#get(name, ['integer']) as number | undefined) ?? null
  }

  offset(name: string): bigint | null {
    return (this.#get(name, ['offset']) as bigint | undefined) ?? null
  }

  /** Milliseconds: of a duration, or since the epoch; of an end, exclusive. */
  ms(name: string): number | null {
    return (this.#get(name, ['duration', 'time', 'end']) as number | undefined) ?? null
  }

  #get(name: string, types: readonly Flag['type'][]): FlagValue | undefined {
    const flag = this.#declared.get(name)
    if (flag === undefined || !types.includes(flag.type)) {
      throw new SluiceError('BUG', `the verb reads --${name} as ${types.join(' or ')} but did not declare it so`)
    }
    return this.#values.get(name)
  }
}
