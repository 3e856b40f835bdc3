import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupWire } from '../../../../src/adapters/kafka/group/group-wire.ts'
import { KAFKA_DEFAULTS } from '../../../../src/adapters/kafka/kafka-settings.ts'
import { CODE } from '../../../../src/adapters/kafka/wire/broker-error.ts'
import { Cluster, type Request } from '../../../../src/adapters/kafka/wire/cluster.ts'
import { systemClock } from '../../../../src/adapters/clock/system-clock.ts'

/** Two brokers: the group's coordinator was the first, is the second, and the first is still there to say so. */
class Moved extends Cluster {
  moved = false
  readonly asked: string[] = []

  constructor() {
    const settings = { ...KAFKA_DEFAULTS, brokers: ['b:1'], membersGroup: 'members', retryMs: 2_000 }
    super(settings, systemClock)
  }

  override async send<T>(api: string, _args: readonly unknown[], { node }: Request): Promise<T> {
    const coordinator = this.moved ? 2 : 1
    if (api === 'FindCoordinator') {
      return { coordinators: [{ errorCode: CODE.none, host: 'b', port: coordinator }] } as T
    }
    this.asked.push(`${api} ${node?.port}`)
    const errorCode = node?.port === coordinator ? CODE.none : CODE.notCoordinator
    return answerOf(api, errorCode) as T
  }
}

/** Where each API has its code. */
function answerOf(api: string, errorCode: number): unknown {
  switch (api) {
    case 'OffsetCommit':
      return { topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }] }
    case 'OffsetFetch': {
      const partitions = [{ partitionIndex: 0, committedOffset: 7n, errorCode: CODE.none }]
      return { groups: [{ errorCode, topics: errorCode === CODE.none ? [{ name: 't', partitions }] : [] }] }
    }
    case 'DescribeGroups':
      return { groups: [{ errorCode, groupState: errorCode === CODE.none ? 'Stable' : '', members: [] }] }
    default:
      return { errorCode }
  }
}

test('a coordinator that moved while its old broker lives is found again, wherever an answer says so', async () => {
  const cluster = new Moved()
  const wire = new GroupWire(cluster, 'g')
  const at = { topic: 't', partition: 0 }
  const asks: Readonly<Record<string, () => Promise<unknown>>> = {
    OffsetCommit: () => wire.commitOffsets([{ ...at, next: 7n }]),
    OffsetFetch: () => wire.fetchOffsets([at]),
    DescribeGroups: () => wire.describe(),
    Heartbeat: () => wire.heartbeat({ memberId: 'm', generation: 1 }),
  }
  for (const [api, ask] of Object.entries(asks)) {
    cluster.moved = false
    await ask()
    cluster.moved = true
    cluster.asked.length = 0
    const answer = await ask()
    assert.deepEqual(cluster.asked, [`${api} 1`, `${api} 2`])
    if (api === 'OffsetFetch') assert.deepEqual(answer, [{ ...at, next: 7n }])
    cluster.moved = false
    await ask()
  }
})
