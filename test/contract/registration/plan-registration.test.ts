import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  changesBetween,
  incompatibleError,
  planRegistration,
} from '../../../src/contract/registration/plan-registration.ts'
import { seedRegistry } from '../../../src/contract/registration/seed-registry.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import type { Proposal } from '../../../src/domain/proposal.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../../src/ports/schema-registry.ts'

const proposal = (...fields: readonly object[]): Proposal => ({
  subject: 'orders-value',
  file: '/schemas/orders-value.avsc',
  format: 'avro',
  text: JSON.stringify({ type: 'record', name: 'R', fields }),
})
const standing = (...proposals: readonly Proposal[]) => ({
  mode: 'BACKWARD' as const,
  versions: proposals.map(({ subject, format, text }, i): RegisteredSchema => ({
    subject,
    format,
    text,
    version: i + 1,
    id: i + 1,
  })),
})
const id = { name: 'id', type: 'long' }
const note = { name: 'note', type: ['null', 'string'], default: null }
const email = { name: 'email', type: ['null', 'string'], default: null, pii: 'email', constraints: { maxLength: 9 } }

describe('registering a proposal', () => {
  it('is the first, the next, the same or an older version', () => {
    const [one, two] = [proposal(id), proposal(id, note)]
    const outcome = (what: Proposal, ...held: readonly Proposal[]) => {
      const step = planRegistration(what, standing(...held), false)
      return [step.outcome, step.version, step.against]
    }
    assert.deepEqual(outcome(one), ['first', 1, null])
    assert.deepEqual(outcome(two, one), ['next', 2, 1])
    assert.deepEqual(outcome({ ...two, text: JSON.stringify(JSON.parse(two.text), null, 1) }, one, two), ['same', 2, 2])
    assert.deepEqual(outcome(one, one, two), ['older', 1, 2])
  })

  it('that breaks readers names every reason; leave to tighten is offered only where it would do', () => {
    const tighter = planRegistration(proposal({ ...id, constraints: { minimum: 1 } }), standing(proposal(id)), false)
    assert.equal(tighter.outcome, 'incompatible')
    assert.match(incompatibleError(tighter).hint, /--allow-tightening/)
    const broken = planRegistration(
      proposal({ name: 'id', type: 'int' }, { name: 'x', type: 'int' }),
      standing(proposal(id)),
      true,
    )
    assert.match(incompatibleError(broken).message, /id: .*\n.*x: /)
    assert.doesNotMatch(incompatibleError(broken).hint, /--allow-tightening/)
    assert.equal(incompatibleError(broken).row.exit, 4)
  })

  it('that is a schema but no contract is allowed; a contract that cannot be one is not', () => {
    const key: Proposal = { ...proposal(), subject: 'orders-key', text: '"string"' }
    assert.equal(planRegistration(key, standing(), false).outcome, 'first')
    assert.throws(
      () => planRegistration(proposal({ ...id, constraints: { minimun: 1 } }), standing(), false),
      (error) =>
        error instanceof SluiceError &&
        error.code === 'CONTRACT_INVALID' &&
        /minimun/.test(error.message) &&
        /field id/.test(error.message),
    )
  })
})

describe('the difference of two contracts', () => {
  it('is told field by field: shape, rules and privacy', () => {
    const before = proposal(id, note, email)
    const after = proposal(
      { name: 'id', type: 'double' },
      { ...email, pii: 'contact', on_ingest: 'drop', constraints: { maxLength: 5 } },
      { name: 'more', type: 'int', default: 0 },
    )
    assert.deepEqual(
      changesBetween(before, after).map(({ kind, field }) => `${kind} ${field}`),
      ['removed note', 'type id', 'tightened email', 'privacy email', 'privacy email', 'added more'],
    )
  })
})

describe('seeding a registry', () => {
  it('registers only the subjects that it does not have', async () => {
    const registered: string[] = []
    const registry = {
      subjects: () => Promise.resolve(['held-value']),
      register: (subject: string) => Promise.resolve(registered.push(subject)),
    } as unknown as SchemaRegistry
    await seedRegistry(registry, [
      { ...proposal(id), subject: 'held-value' },
      { ...proposal(id), subject: 'new-value' },
    ])
    assert.deepEqual(registered, ['new-value'])
  })
})
