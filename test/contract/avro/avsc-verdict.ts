import type avsc from 'avsc'
import { frameRecord } from '../../../src/contract/wire.ts'
import type { RuleBreach } from '../../../src/domain/dead-letter.ts'
import type { RegisteredSchema } from '../../../src/ports/schema-registry.ts'
import { judged } from '../judged.ts'
import { isSafeForAvsc } from './avsc-limits.ts'
import type { PairType } from './avsc-pairs.ts'
import { avscOf } from './avsc-type.ts'
import { differOnlyByPromotedLong, mayPromoteLong } from './promoted-long.ts'

/** Where avsc takes what we refuse: each by the words of our refusal, and why ours is right. */
export const LAXER: readonly (readonly [reason: string, said: RegExp])[] = [
  ['invalid UTF-8, which no engine reads back', /not valid UTF-8/],
  ['a boolean that is neither 0 nor 1', /a boolean is \d+/],
  ['a map that names a key twice, of which avsc keeps one', /names a key twice/],
  ['a decimal of more digits than its precision, or than any has', /no decimal\(/],
  ['a long, length, index or int of more bits than it has', /longer than (32|64) bits/],
  ['a block whose size is not its own', /a block does not end/],
  ['an index that only overflow brings back into its list', /index is -?\d+, outside/],
  ['a number that a float or a double would round', /no float(32|64)/],
]

/** See `avsc-limits`. */
const UNASKED = 'a block or a length that avsc would follow for ever'

const PROMOTED = 'a long past 2^53 that avsc promotes through 53 bits'

export interface Disagreement {
  readonly bytes: string
  readonly why: string
}

export interface Comparison {
  readonly passed: number
  readonly refused: number
  /** How often avsc was laxer, by reason. */
  readonly laxer: ReadonlyMap<string, number>
  readonly wrong: readonly Disagreement[]
}

export interface ComparisonQuestion {
  readonly writer: PairType
  readonly reader: PairType
  /** Bodies, without their header. */
  readonly bodies: readonly Uint8Array[]
  readonly same: (ours: unknown, theirs: unknown) => boolean
}

/** Asks us and avsc about the same bodies; null where avsc refuses the pair of schemas. */
export function compareWithAvsc({ writer, reader, bodies, same }: ComparisonQuestion): Comparison | null {
  const type = avscOf(reader.avro)
  const written = avscOf(writer.avro)
  let resolver: ReturnType<avsc.Type['createResolver']> | undefined
  try {
    resolver = writer === reader ? undefined : type.createResolver(written)
  } catch {
    return null
  }
  const schema: RegisteredSchema = {
    subject: 's-value',
    version: 1,
    id: 11,
    format: 'avro',
    text: JSON.stringify(reader.avro),
  }
  const other: RegisteredSchema = { ...schema, id: 12, text: JSON.stringify(writer.avro) }
  const { landed, rows, refusals } = judged(
    { schema },
    bodies.map((body) => ({ value: frameRecord(12, body) })),
    [other],
  )
  const promotes = mayPromoteLong(Object(writer.avro), Object(reader.avro))
  const laxer = new Map<string, number>()
  const wrong: Disagreement[] = []
  const ourRow = new Map([...rows].map((index, at) => [index, landed[at]]))
  const ourErrors = new Map(refusals.map(({ index, errors }) => [index, errors]))
  bodies.forEach((body, index) => {
    const disagree = (why: string): void => void wrong.push({ bytes: Buffer.from(body).toString('hex'), why })
    const errors = ourErrors.get(index)
    if (!isSafeForAvsc(writer.avro, body)) {
      if (errors === undefined) disagree('we take what avsc cannot be asked about')
      else laxer.set(UNASKED, (laxer.get(UNASKED) ?? 0) + 1)
      return
    }
    const theirs = readByAvsc(type, body, resolver)
    if (errors === undefined) {
      if (theirs === null) disagree('avsc refuses what we take')
      else if (!same(ourRow.get(index), reader.held(theirs.value))) {
        const lost = promotes && differOnlyByPromotedLong(ourRow.get(index), reader.held(theirs.value))
        if (lost) laxer.set(PROMOTED, (laxer.get(PROMOTED) ?? 0) + 1)
        else disagree('the values differ')
      }
    } else if (theirs !== null) {
      const reason = laxness(errors)
      if (reason === null) disagree(`avsc takes what we refuse: ${errors.map(({ message }) => message).join(' ')}`)
      else laxer.set(reason, (laxer.get(reason) ?? 0) + 1)
    }
  })
  return { passed: rows.length, refused: refusals.length, laxer, wrong }
}

function readByAvsc(type: avsc.Type, body: Uint8Array, resolver: unknown): { readonly value: unknown } | null {
  try {
    return { value: type.fromBuffer(Buffer.from(body), resolver as never) }
  } catch {
    return null
  }
}

function laxness(errors: readonly RuleBreach[]): string | null {
  return LAXER.find(([, said]) => errors.every(({ message }) => said.test(message)))?.[0] ?? null
}
