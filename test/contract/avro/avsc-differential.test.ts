import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { frameRecord } from '../../../src/contract/wire.ts'
import { judged } from '../judged.ts'
import { arbitraryMutation, mutateBody } from '../mutate-bytes.ts'
import { pairRecord } from './avsc-pairs.ts'
import { avscOf } from './avsc-type.ts'
import { compareWithAvsc } from './avsc-verdict.ts'

const PAD = Buffer.alloc(5)
const same = isDeepStrictEqual

describe('beside avsc', () => {
  it('the same records pass, whole or mutated, with the same values; where avsc is laxer it is for a reason named', () => {
    fc.assert(
      fc.property(
        pairRecord.chain((type) => fc.tuple(fc.constant(type), fc.array(type.value, { minLength: 1, maxLength: 4 }))),
        fc.array(arbitraryMutation, { maxLength: 12 }),
        ([type, values], mutations) => {
          const avsc = avscOf(type.avro)
          const whole = values.map((value) => avsc.toBuffer(value))
          const mutants = mutations.map((each, i) =>
            mutateBody(Buffer.concat([PAD, whole[i % whole.length]!]), each).subarray(5),
          )
          const found = compareWithAvsc({ writer: type, reader: type, bodies: [...whole, ...mutants, ...whole], same })
          assert.deepEqual(found?.wrong, [], JSON.stringify(type.avro))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('a reader of its own sees the same: promoted, reordered, renamed, with defaults, in unions, nested', () => {
    let compared = 0
    fc.assert(
      fc.property(
        pairRecord.chain((type) =>
          fc.tuple(fc.constant(type), type.evolve(), fc.array(type.value, { minLength: 1, maxLength: 4 })),
        ),
        ([writer, reader, values]) => {
          const avsc = avscOf(writer.avro)
          const bodies = values.map((value) => avsc.toBuffer(value))
          const found = compareWithAvsc({ writer, reader, bodies, same })
          if (found === null) return
          compared += 1
          assert.deepEqual(found.wrong, [], `${JSON.stringify(writer.avro)} read as ${JSON.stringify(reader.avro)}`)
        },
      ),
      { numRuns: 250 },
    )
    assert.ok(compared > 100, `${compared} pairs that avsc takes`)
  })

  it('a long past 2^53 that a double holds is read as that double, where avsc loses its sign', () => {
    const type = (name: string) => ({ type: 'record', name: 'R', fields: [{ name: 'n', type: name }] })
    const [writer, reader] = [avscOf(type('long')), avscOf(type('double'))]
    const body = Buffer.from('a793f5bff5bda7fb02', 'hex')
    assert.deepEqual(
      { ...(reader.fromBuffer(body, reader.createResolver(writer)) as object) },
      { n: 106765841822819540 },
    )
    const schema = {
      subject: 's-value',
      version: 1,
      id: 11,
      format: 'avro',
      text: JSON.stringify(type('double')),
    } as const
    const { landed } = judged(
      { schema },
      [{ value: frameRecord(12, body) }],
      [{ ...schema, id: 12, text: JSON.stringify(type('long')) }],
    )
    assert.deepEqual(landed, [{ n: -106765841822819540 }])
  })
})
