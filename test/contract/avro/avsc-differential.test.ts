import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
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
})
