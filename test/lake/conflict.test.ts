import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConflict, checkExpectations } from '../../src/lake/conflict.ts'
import type { CommitFacts } from '../../src/lake/conflict.ts'
import type { Action } from '../../src/lake/log/action.ts'
import { OUR_PROTOCOL } from '../../src/lake/log/protocol.ts'

const BLIND: CommitFacts = {
  creates: false,
  reads: 'nothing',
  removes: new Set(),
  expectTxns: new Map(),
  txns: new Map(),
}

function add(path: string, dataChange = true): Action {
  const file = { path, partitionValues: {}, bytes: 1, modificationTimeMs: 0, statsText: null, tags: null }
  return { kind: 'add', add: { ...file, dataChange, deletionVector: false } }
}

function remove(path: string, dataChange = true): Action {
  const file = { path, partitionValues: {}, bytes: 1, deletionTimestampMs: 0, statsText: null, tags: null }
  return { kind: 'remove', remove: { ...file, dataChange, deletionVector: false } }
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

test('a change of metadata or protocol conflicts with every commit', () => {
  assert.match(checkConflict(BLIND, [METADATA])!, /metadata/)
  assert.match(checkConflict(BLIND, [{ kind: 'protocol', protocol: OUR_PROTOCOL }])!, /protocol/)
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
