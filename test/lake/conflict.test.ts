import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConflict, checkExpectations } from '../../src/lake/conflict.ts'
import type { CommitFacts } from '../../src/lake/conflict.ts'
import type { Action, AddAction, RemoveAction } from '../../src/lake/log/action.ts'
import { OUR_PROTOCOL } from '../../src/lake/log/protocol.ts'

const TABLE: CommitFacts['table'] = {
  fields: [
    { name: 'id', type: { kind: 'int64' }, nullable: true },
    { name: 'day', type: { kind: 'date' }, nullable: true },
    { name: 'at', type: { kind: 'timestamp' }, nullable: true },
  ],
  partitionColumns: ['day', 'at'],
}
const BLIND: CommitFacts = {
  creates: false,
  reads: 'nothing',
  table: TABLE,
  removes: new Set(),
  expectTxns: new Map(),
  txns: new Map(),
}

const MERGE: CommitFacts = { ...BLIND, reads: { partitions: [{ day: '2026-01-01' }], within: [] } }

function add(path: string, dataChange = true, over: Partial<AddAction> = {}): Action {
  const file = { path, partitionValues: {}, bytes: 1, modificationTimeMs: 0, statsText: null, tags: null }
  return { kind: 'add', add: { ...file, dataChange, deletionVector: null, ...over } }
}

function remove(path: string, dataChange = true, over: Partial<RemoveAction> = {}): Action {
  const file = { path, partitionValues: {}, bytes: 1, deletionTimestampMs: 0, statsText: null, tags: null }
  return { kind: 'remove', remove: { ...file, dataChange, deletionVector: null, ...over } }
}

function on(day: string | null, at: string | null = null): Partial<AddAction & RemoveAction> {
  return { partitionValues: { day, at } }
}

function txn(appId: string, version: bigint): Action {
  return { kind: 'txn', txn: { appId, version, lastUpdatedMs: null } }
}

const METADATA: Action = {
  kind: 'metaData',
  metaData: {
    id: 'id',
    name: null,
    description: null,
    provider: 'parquet',
    schemaText: '{}',
    partitionColumns: [],
    configuration: {},
    createdTimeMs: null,
  },
}

test('an append passes an append', () => {
  assert.equal(checkConflict(BLIND, [add('a'), txn('other', 5n)]), null)
})

test('an append passes a removal', () => {
  assert.equal(checkConflict(BLIND, [remove('a')]), null)
})

test('an append passes a compaction, and a compaction passes an append', () => {
  assert.equal(checkConflict(BLIND, [remove('a', false), add('b', false)]), null)
  assert.equal(checkConflict({ ...BLIND, reads: 'removed-files', removes: new Set(['a']) }, [add('c')]), null)
})

test('a compaction passes a compaction of other files', () => {
  const facts: CommitFacts = { ...BLIND, reads: 'removed-files', removes: new Set(['a']) }
  assert.equal(checkConflict(facts, [remove('x', false), add('y', false)]), null)
})

test('a file that another writer removed cannot be removed again', () => {
  const facts: CommitFacts = { ...BLIND, reads: 'removed-files', removes: new Set(['a b']) }
  assert.match(checkConflict(facts, [remove('a b')])!, /removed a b/)
  assert.match(checkConflict(facts, [remove('a%20b', false)])!, /removed/)
})

test('a file that another writer stated anew cannot be removed', () => {
  assert.match(checkConflict({ ...BLIND, removes: new Set(['a']) }, [add('a')])!, /replaced a/)
})

test('a commit that read the table conflicts with rows added or removed, not with a compaction', () => {
  const facts: CommitFacts = { ...BLIND, reads: 'table' }
  assert.match(checkConflict(facts, [add('a')])!, /added rows/)
  assert.match(checkConflict(facts, [remove('a')])!, /removed rows/)
  assert.equal(checkConflict(facts, [remove('a', false), add('b', false), txn('x', 1n)]), null)
})

test('a merge that read some partitions passes what is appended to others, and no other append', () => {
  assert.equal(checkConflict(MERGE, [add('a', true, on('2026-01-02'))]), null)
  assert.equal(checkConflict(MERGE, [add('a', true, on(null))]), null)
  assert.match(checkConflict(MERGE, [add('a', true, on('2026-01-01'))])!, /added rows where this one read/)
  const nulls: CommitFacts = { ...BLIND, reads: { partitions: [{ day: null }], within: [] } }
  assert.match(checkConflict(nulls, [add('a', true, on(''))])!, /added rows/)
  assert.equal(checkConflict(nulls, [add('a', true, on('2026-01-01'))]), null)
})

test('a merge passes a merge of other partitions, and conflicts with one of its own', () => {
  const other = [remove('x', true, on('2026-01-02')), add('y', true, on('2026-01-02'))]
  assert.equal(checkConflict(MERGE, other), null)
  assert.match(checkConflict(MERGE, [remove('x', true, on('2026-01-01'))])!, /removed rows where this one read/)
})

test('a merge passes a compaction in the partitions that it read, but for the files that it replaces', () => {
  const merge: CommitFacts = { ...MERGE, removes: new Set(['x']) }
  const own = on('2026-01-01')
  assert.equal(checkConflict(merge, [remove('y', false, own), add('z', false, own)]), null)
  assert.match(checkConflict(merge, [remove('x', false, own), add('z', false, own)])!, /removed x/)
})

test('what is not known of a file may be where a merge read', () => {
  assert.match(checkConflict(MERGE, [remove('x', true, { partitionValues: null })])!, /removed rows/)
  assert.match(checkConflict(MERGE, [add('x')])!, /added rows/)
  assert.match(checkConflict(MERGE, [add('x', true, on('no day'))])!, /added rows/)
})

test('partitions are compared as values, in whatever form writers state them', () => {
  const facts: CommitFacts = {
    ...BLIND,
    reads: { partitions: [{ at: '2026-01-01 10:00:00' }], within: [] },
  }
  assert.match(checkConflict(facts, [add('a', true, on('2026-01-02', '2026-01-01T10:00:00.000000Z'))])!, /added/)
  assert.equal(checkConflict(facts, [add('a', true, on('2026-01-02', '2026-01-01T10:00:01Z'))]), null)
})

test('a merge that read a range of keys passes an append of others, where statistics tell them apart', () => {
  const within = [{ column: 'id', min: 10, max: 20 }]
  const facts: CommitFacts = { ...BLIND, reads: { partitions: null, within } }
  const keys = (min: number, max: number): Partial<AddAction> => ({
    statsText: JSON.stringify({ numRecords: 3, minValues: { id: min }, maxValues: { id: max }, nullCount: { id: 0 } }),
  })
  assert.equal(checkConflict(facts, [add('a', true, keys(21, 30))]), null)
  assert.match(checkConflict(facts, [add('a', true, keys(20, 30))])!, /added rows/)
  assert.match(checkConflict(facts, [add('a')])!, /added rows/)
  assert.match(checkConflict(facts, [remove('a')])!, /removed rows/)
})

test('of two compactions of the same files the second conflicts, also over some of them', () => {
  const facts: CommitFacts = { ...BLIND, reads: 'removed-files', removes: new Set(['a', 'b']) }
  assert.match(checkConflict(facts, [remove('b', false), remove('c', false), add('d', false)])!, /removed b/)
})

test('a change of metadata or protocol conflicts with every commit', () => {
  const compaction: CommitFacts = { ...BLIND, reads: 'removed-files', removes: new Set(['a']) }
  for (const facts of [BLIND, MERGE, compaction, { ...BLIND, reads: 'table' as const }]) {
    assert.match(checkConflict(facts, [METADATA])!, /metadata/)
    assert.match(checkConflict(facts, [{ kind: 'protocol', protocol: OUR_PROTOCOL }])!, /protocol/)
  }
})

test('of two that make the table the second conflicts, whatever the first wrote', () => {
  assert.match(checkConflict({ ...BLIND, creates: true }, [])!, /made the table/)
})

test('I3 a txn that another writer moved from what is expected conflicts, forwards and backwards', () => {
  const facts: CommitFacts = { ...BLIND, expectTxns: new Map([['t/0', 5n]]), txns: new Map([['t/0', 8n]]) }
  assert.match(checkConflict(facts, [txn('t/0', 8n)])!, /t\/0 stands at 8, not at 5/)
  assert.match(checkConflict(facts, [txn('t/0', 3n)])!, /stands at 3/)
  assert.equal(checkConflict(facts, [txn('t/0', 5n)]), null)
  assert.equal(checkConflict(facts, [txn('t/1', 8n)]), null)
})

test('I3 a txn that must not be there yet conflicts once it is', () => {
  const facts: CommitFacts = { ...BLIND, expectTxns: new Map([['t/0', null]]) }
  assert.match(checkConflict(facts, [txn('t/0', 0n)])!, /not at nothing/)
})

test('a txn that is set without an expectation conflicts with another that sets it', () => {
  assert.match(checkConflict({ ...BLIND, txns: new Map([['job', 2n]]) }, [txn('job', 2n)])!, /moved job/)
})

test('I3 expectations are checked against what stands, to the last digit', () => {
  const standing = new Map([['a', 9_223_372_036_854_775_806n]])
  assert.equal(checkExpectations(new Map([['a', 9_223_372_036_854_775_806n]]), standing), null)
  assert.match(checkExpectations(new Map([['a', 9_223_372_036_854_775_807n]]), standing)!, /5806, not at .*5807/)
  assert.equal(checkExpectations(new Map([['b', null]]), standing), null)
  assert.match(checkExpectations(new Map([['b', 0n]]), standing)!, /b stands at nothing, not at 0/)
  assert.match(checkExpectations(new Map([['a', null]]), standing)!, /not at nothing/)
})

test('what has no bearing on the table conflicts with nothing', () => {
  const facts: CommitFacts = { ...BLIND, reads: 'table', removes: new Set(['a']) }
  assert.equal(
    checkConflict(facts, [
      { kind: 'commitInfo', commitInfo: {} },
      { kind: 'other', name: 'cdc' },
    ]),
    null,
  )
})
