import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createEncoder } from '../../src/contract/encode.ts'
import { createJudge } from '../../src/contract/judge.ts'
import { frameRecord } from '../../src/contract/wire.ts'
import { arbitraryTable, type ArbitraryTable } from './arbitrary-schema.ts'
import { avscOf } from './avro/avsc-type.ts'
import { avro, batchOf, judged } from './judged.ts'

function encodeAll({ fields, rows }: ArbitraryTable): { schema: ReturnType<typeof avro>; messages: Uint8Array[] } {
  const schema = avro(fields)
  const encoder = createEncoder(schema)
  const names = fields.map((field) => field.name)
  const messages = rows.map((row) => {
    const encoded = encoder.encode(
      names,
      row.map((cell) => cell.source),
      false,
    )
    assert.equal(
      encoded.kind,
      'encoded',
      JSON.stringify(encoded, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    )
    return encoded.kind === 'encoded' ? encoded.bytes : new Uint8Array(0)
  })
  return { schema, messages }
}

describe('from a source value to a column', () => {
  it('every value arrives as it was, longs and decimals to the last digit', () => {
    fc.assert(
      fc.property(arbitraryTable, (table) => {
        const { schema, messages } = encodeAll(table)
        const { landed, refusals } = judged(
          { schema },
          messages.map((value) => ({ value })),
        )
        assert.deepEqual(refusals, [])
        assert.deepEqual(
          landed,
          table.rows.map((row) => Object.fromEntries(row.map((cell, i) => [`c${i}`, cell.held]))),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('what is written is what avsc reads, and takes it as valid to the last byte', () => {
    fc.assert(
      fc.property(arbitraryTable, (table) => {
        const { schema, messages } = encodeAll(table)
        const type = avscOf(JSON.parse(schema.text), false)
        for (const message of messages) {
          const body = Buffer.from(message.subarray(5))
          assert.deepEqual(type.toBuffer(type.fromBuffer(body)), body)
        }
      }),
      { numRuns: 120 },
    )
  })

  it('what fails in a row leaves nothing behind in the columns', () => {
    fc.assert(
      fc.property(arbitraryTable, fc.infiniteStream(fc.nat()), (table, cuts) => {
        const { schema, messages } = encodeAll(table)
        const broken = messages.flatMap((message): Uint8Array[] => {
          const cut = (cuts.next().value as number) % (message.length + 1)
          return [message.subarray(0, cut), message]
        })
        const verdict = judged(
          { schema },
          broken.map((value) => ({ value })),
        )
        const whole = new Set(verdict.rows)
        // Every whole message passed, in order, with the values it alone would have.
        messages.forEach((_, i) => assert.ok(whole.has(i * 2 + 1)))
        const alone = judged(
          { schema },
          broken.filter((_, i) => whole.has(i)).map((value) => ({ value })),
        )
        assert.deepEqual(verdict.landed, alone.landed)
      }),
      { numRuns: 120 },
    )
  })

  it('random and mutated bytes are judged and never thrown; what is taken encodes back to equal values', () => {
    const mutation = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      kind: fc.constantFrom('set', 'insert', 'delete', 'random'),
    })
    fc.assert(
      fc.property(
        arbitraryTable,
        fc.array(mutation, { minLength: 1, maxLength: 5 }),
        fc.uint8Array({ maxLength: 40 }),
        (table, mutations, noise) => {
          const { schema, messages } = encodeAll(table)
          const mutants = mutations.map(({ at, byte, kind }, i): Uint8Array => {
            const body = [...(messages[i % Math.max(1, messages.length)] ?? noise)]
            const where = 5 + (at % Math.max(1, body.length - 5))
            if (kind === 'random') return Uint8Array.from([...body.slice(0, 5), ...noise])
            if (kind === 'set') body[where] = byte
            else if (kind === 'insert') body.splice(where, 0, byte)
            else body.splice(where, 1)
            return Uint8Array.from(body)
          })
          const judge = createJudge({ schema, mode: 'rescue', keyColumns: [] })
          const writers = new Map([[schema.id, schema]])
          const readable = [...mutants, noise].filter(
            (value) => value[0] !== 0 || value.length < 5 || Buffer.from(value).readUInt32BE(1) === schema.id,
          )
          const verdict = judge.judge(batchOf(readable.map((value) => ({ value }))), writers)
          assert.equal(verdict.rows.length + verdict.refusals.length, readable.length)
          for (const { errors } of verdict.refusals) assert.ok(errors.length > 0)
          // avsc is laxer (invalid UTF-8, for one), so it reads all that passed; written anew, the values are the same.
          const type = avscOf(JSON.parse(schema.text), false)
          const taken = [...verdict.rows].map((i) => readable[i]!)
          const again = taken.map((value) =>
            frameRecord(schema.id, type.toBuffer(type.fromBuffer(Buffer.from(value.subarray(5))))),
          )
          assert.deepEqual(
            judged(
              { schema },
              again.map((value) => ({ value })),
            ).landed,
            judged(
              { schema },
              taken.map((value) => ({ value })),
            ).landed,
          )
        },
      ),
      { numRuns: 250 },
    )
  })
})
