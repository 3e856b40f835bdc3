import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseContract } from '../../../src/contract/parse-contract.ts'
import { privateBounds } from '../../../src/contract/privacy/private-bounds.ts'
import type { ColumnType } from '../../../src/domain/column-batch.ts'
import { avro } from '../judged.ts'

const tagged = parseContract(
  avro([
    { name: 'CustomerID', type: 'long' },
    { name: 'email', aliases: ['mail'], type: 'string', pii: 'email' },
    { name: 'phone', type: 'long', pii: 'phone' },
    { name: 'token', type: 'string', pii: 'card', on_ingest: 'hash' },
    {
      name: 'home',
      type: { type: 'record', name: 'Home', fields: [{ name: 'street', type: 'string' }] },
      pii: 'address',
    },
    { name: 'country', type: 'string' },
  ]),
)
const plain = parseContract(avro([{ name: 'sku', type: 'string' }]))
const hidden = (unknown: 'all' | 'texts', names: readonly (readonly [string, ColumnType['kind']])[]): string[] => {
  const bounds = privateBounds({ contracts: [tagged, plain], unknown })
  return names
    .filter(([name, kind]) => bounds.hides({ name, type: { kind } as ColumnType, nullable: true }))
    .map(([name]) => name)
}

test('columns that a contract tags, under any of their names, have no bounds in the log (I13)', () => {
  const names = ['customer_id', 'email', 'Mail', 'PHONE', 'token', 'street', 'country', 'sku', '_rescued', '_topic']
  const kinds = names.map((name) => [name, name === 'PHONE' ? 'int64' : 'string'] as const)
  assert.deepEqual(hidden('texts', kinds), ['email', 'Mail', 'PHONE', 'token', 'street', '_rescued'])
})

test('what no contract names may be a private field renamed', () => {
  const unknown = [
    ['contact', 'string'],
    ['amount', 'float64'],
    ['order_date', 'date'],
  ] as const
  assert.deepEqual(hidden('texts', unknown), ['contact'])
  assert.deepEqual(hidden('all', unknown), ['contact', 'amount', 'order_date'])
})

test('where nothing is tagged every column has its bounds, but for what was rescued', () => {
  const bounds = privateBounds({ contracts: [plain], unknown: 'all' })
  const text = (name: string) => ({ name, type: { kind: 'string' } as const, nullable: true })
  assert.deepEqual(
    ['sku', 'contact', '_rescued'].filter((name) => bounds.hides(text(name))),
    ['_rescued'],
  )
})
