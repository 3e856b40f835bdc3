import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frameRecord } from '../../../src/contract/wire.ts'
import { SluiceError } from '../../../src/domain/errors.ts'
import { outOfRange, readLane, type LaneRead, type LaneReadRequest } from '../../../src/ingest/lane/read-lane.ts'
import { WriterCache } from '../../../src/ingest/lane/resolve-writers.ts'
import type { SchemaRegistry } from '../../../src/ports/schema-registry.ts'
import type { FetchOutcome, FetchRequest } from '../../../src/ports/topic-log.ts'
import { orderContract, placedBatch } from '../batches.ts'

const registry = { byId: async (id: number) => (id < 10 ? orderContract({ id }) : null) } as SchemaRegistry
const framed = (id: number) => ({ value: frameRecord(id, Buffer.from('body')) })

function read(
  fetch: (request: FetchRequest) => Promise<FetchOutcome>,
  signal = new AbortController().signal,
): Promise<LaneRead> {
  const world = {
    log: { fetch },
    settings: { ingest: { fetchBytes: 1000 } },
    signal,
  } as unknown as LaneReadRequest['world']
  return readLane({
    world,
    table: 'bronze.orders',
    topic: 'orders',
    partition: 0,
    from: 5n,
    source: 1n,
    writers: new WriterCache(registry),
  })
}
const batches = (...ids: number[][]): Promise<FetchOutcome> =>
  Promise.resolve({
    kind: 'batches',
    batches: ids.map((each, i) =>
      placedBatch(each.map(framed), { first: BigInt(5 + i * 10), next: BigInt(15 + i * 10) }),
    ),
    end: 99n,
  })

describe('readLane', () => {
  it('asks for no more than fetch_mb, from the position', async () => {
    let asked: FetchRequest | null = null
    await read((request) => {
      asked = request
      return Promise.resolve({ kind: 'empty', end: 5n })
    })
    const { from, maxBytes, topic, partition } = asked as unknown as FetchRequest
    assert.deepEqual([from, maxBytes, topic, partition], [5n, 1000, 'orders', 0])
  })

  it('hands on the batches; at the end there are none', async () => {
    const { batches: got, stop } = await read(() => batches([1, 2], [3]))
    assert.deepEqual([got.map((batch) => batch.count), stop], [[2, 1], null])
    assert.deepEqual(await read(() => Promise.resolve({ kind: 'empty', end: 5n })), { batches: [], stop: null })
  })

  it('I8: stops exactly before the record that names an unknown schema id; batches behind it are not read', async () => {
    const { batches: got, stop } = await read(() => batches([1, 1], [2, 2, 77, 2], [3]))
    assert.deepEqual(
      got.map((batch) => [batch.first, batch.next, batch.count]),
      [
        [5n, 15n, 2],
        [15n, 17n, 2],
      ],
    )
    assert.deepEqual(
      [stop?.code, stop?.where],
      ['SCHEMA_ID_UNKNOWN', { topic: 'orders', partition: 0, offset: '17', table: 'bronze.orders' }],
    )
    assert.match(stop!.message, /offset 17.*77/)
  })

  it('I8: a position that the log does not hold stops the partition, with the size of the gap', async () => {
    const gone = await read(() => Promise.resolve({ kind: 'out_of_range', start: 12n, end: 20n }))
    assert.equal(gone.stop?.code, 'OFFSET_OUT_OF_RANGE')
    assert.match(gone.stop.message, /\[12,20\).*7 records were removed/)
    const short = outOfRange({ topic: 'orders', partition: 0, table: 't' }, { next: 30n, start: 12n, end: 20n })
    assert.match(short.message, /ends 10 records before/)
  })

  it('I8: a topic that is gone stops the partition', async () => {
    assert.equal((await read(() => Promise.resolve({ kind: 'no_topic' }))).stop?.code, 'SOURCE_CHANGED')
  })

  it('a fault that a person must clear is a stop; one that is worth a retry, or a bug, is thrown', async () => {
    assert.equal(
      (await read(() => Promise.reject(new SluiceError('LOG_CORRUPT', 'checksum')))).stop?.code,
      'LOG_CORRUPT',
    )
    await assert.rejects(
      read(() => Promise.reject(new SluiceError('LOG_UNAVAILABLE', 'away'))),
      { code: 'LOG_UNAVAILABLE' },
    )
    await assert.rejects(
      read(() => Promise.reject(new TypeError('oops'))),
      TypeError,
    )
  })

  it('a fetch that was cut short because the process ends is no fault', async () => {
    const ending = new AbortController()
    ending.abort(new Error('asked to end'))
    assert.deepEqual(await read((request) => Promise.reject(request.signal?.reason as Error), ending.signal), {
      batches: [],
      stop: null,
    })
  })
})
