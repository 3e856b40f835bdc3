import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { seededRandom } from '../../../bench/orders/order-batches.ts'
import { mutateBody, type Mutation } from '../mutate-bytes.ts'
import { pairRecord } from './avsc-pairs.ts'
import { avscOf } from './avsc-type.ts'
import { compareWithAvsc, LAXER } from './avsc-verdict.ts'

const MESSAGES = 200_000
const A_SCHEMA = 800
const KINDS: readonly Mutation['kind'][] = ['set', 'flip', 'cut', 'insert', 'remove']
const PAD = Buffer.alloc(5)

it('200,000 mutated and truncated messages of random schemas: what avsc reads we read alike, what it refuses we refuse', (t) => {
  const seed = Number(process.env['SLUICE_SEED'] ?? 20_261_128)
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const random = seededRandom(seed)
  const draw = (below: number): number => Math.floor(random() * below)
  const laxer = new Map<string, number>()
  const totals = { passed: 0, refused: 0 }
  for (let asked = 0, round = 0; asked < MESSAGES; round += 1) {
    const [type] = fc.sample(pairRecord, { seed: seed + round, numRuns: 1 })
    const avsc = avscOf(type!.avro)
    const whole = fc
      .sample(type!.value, { seed: seed + round, numRuns: 12 })
      .map((value) => Buffer.concat([PAD, avsc.toBuffer(value)]))
    const bodies = Array.from({ length: A_SCHEMA }, (_, i) => {
      let message: Uint8Array = whole[i % whole.length]!
      // One change, or two, or none.
      for (let left = draw(10) === 0 ? 2 : draw(12) === 0 ? 0 : 1; left > 0; left -= 1) {
        message = mutateBody(message, { at: draw(1 << 20), byte: draw(256), kind: KINDS[draw(KINDS.length)]! })
      }
      return message.subarray(5)
    })
    const found = compareWithAvsc({ writer: type!, reader: type!, bodies, same: isDeepStrictEqual })
    assert.deepEqual(found?.wrong, [], `seed ${seed}, round ${round}: ${JSON.stringify(type!.avro)}`)
    for (const [reason, times] of found!.laxer) laxer.set(reason, (laxer.get(reason) ?? 0) + times)
    totals.passed += found!.passed
    totals.refused += found!.refused
    asked += bodies.length
  }
  t.diagnostic(JSON.stringify({ ...totals, laxer: Object.fromEntries(laxer) }))
  assert.ok(totals.passed > MESSAGES / 10 && totals.refused > MESSAGES / 10, JSON.stringify(totals))
  for (const word of ['UTF-8', 'boolean', 'more bits', 'precision']) {
    const [reason] = LAXER.find(([each]) => each.includes(word))!
    assert.ok((laxer.get(reason) ?? 0) > 0, `no message showed that avsc takes ${reason}`)
  }
})
