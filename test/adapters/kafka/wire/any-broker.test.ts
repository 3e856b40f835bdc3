import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnyBroker } from '../../../../src/adapters/kafka/wire/any-broker.ts'

const node = (port: number): { readonly host: string; readonly port: number } => ({ host: 'b', port })
const turn = (any: AnyBroker): readonly number[] => any.inTurn.map(({ port }) => port)

test('the broker that answered last is asked first, and one that did not answer last', () => {
  const any = new AnyBroker(['b:1', 'b:2', 'b:3'])
  assert.deepEqual(turn(any), [1, 2, 3])
  any.answered(node(2))
  assert.deepEqual(turn(any), [2, 3, 1])
  any.passOver(node(2))
  assert.deepEqual(turn(any), [3, 1, 2])
  // Two requests that waited for one broker pass it over once.
  any.passOver(node(2))
  assert.deepEqual(turn(any), [3, 1, 2])
})

test('what the cluster names is asked after what the settings name, and only as long as it names it', () => {
  const any = new AnyBroker(['b:1'])
  any.learn([node(1), node(2), node(3)])
  assert.deepEqual(turn(any), [1, 2, 3])
  any.answered(node(3))
  any.learn([node(1), node(2)])
  assert.deepEqual(turn(any), [1, 2])
  any.passOver(node(1))
  assert.deepEqual(turn(any), [2, 1])
})
