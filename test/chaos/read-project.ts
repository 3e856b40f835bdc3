import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { Kafka, logLevel } from 'kafkajs'
import type { Python } from '../services/python.ts'
import type { S3 } from '../services/s3.ts'
import type { Row } from './chaos-topic.ts'
import { PARTITIONS } from './plan-round.ts'

/** A project's topic, table and letters, read by others than Sluice: kafkajs, the plain log's JSON, deltalake and pyarrow. */

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
}

function connect(bootstrap: string): Kafka {
  return new Kafka({
    brokers: bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 50, maxRetryTime: 500 },
  })
}

/** Next offset of each partition. */
export async function topicEnds(bootstrap: string, topic: string): Promise<number[]> {
  const admin = connect(bootstrap).admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const ends = new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
  return Array.from({ length: PARTITIONS }, (_, partition) => ends.get(partition) ?? 0)
}

export async function topicRecords(bootstrap: string, topic: string): Promise<TopicRecord[]> {
  const ends = await topicEnds(bootstrap, topic)
  const consumer = connect(bootstrap).consumer({ groupId: `proof-${topic}` })
  const records: TopicRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((done, fail) => {
    const left = new Set(ends.flatMap((end, partition) => (end === 0 ? [] : [partition])))
    if (left.size === 0) done()
    consumer
      .run({
        eachMessage: async ({ partition, message: { offset, key, value } }) => {
          records.push({
            partition,
            offset: Number(offset),
            key: key === null ? null : key.toString(),
            value: value === null ? null : value.toString('base64'),
          })
          if (Number(offset) + 1 >= ends[partition]!) left.delete(partition)
          if (left.size === 0) done()
        },
      })
      .catch(fail)
  })
  await consumer.disconnect()
  return records
}

/** Follows a table's positions in its log's own JSON, entry by entry. */
export class PositionReader {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #topic: string
  readonly #next = new Map<number, number>()
  #after = ''

  constructor(s3: S3, { bucket, name }: { readonly bucket: string; readonly name: string }) {
    this.#client = new S3Client({
      endpoint: s3.endpoint,
      region: s3.region,
      forcePathStyle: true,
      credentials: { accessKeyId: s3.accessKey, secretAccessKey: s3.secretKey },
    })
    this.#bucket = bucket
    this.#prefix = `${name}/bronze/${name}/_delta_log/`
    this.#topic = name
  }

  /** Whether every partition stands there, or further; one that is not named may stand anywhere. */
  async reached(ends: readonly number[]): Promise<boolean> {
    await this.#read()
    return ends.every((end, partition) => (this.#next.get(partition) ?? 0) >= end)
  }

  async #read(): Promise<void> {
    const request = { Bucket: this.#bucket, Prefix: this.#prefix, StartAfter: this.#after }
    const { Contents = [] } = await this.#client.send(new ListObjectsV2Command(request))
    for (const { Key = '' } of Contents) {
      if (!/\/\d{20}\.json$/.test(Key)) continue
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key }))
      this.#take((await Body?.transformToString()) ?? '')
      this.#after = Key
    }
  }

  close(): void {
    this.#client.destroy()
  }

  #take(entry: string): void {
    for (const line of entry.split('\n')) {
      if (line === '') continue
      const { txn } = JSON.parse(line) as { readonly txn?: { readonly appId: string; readonly version: number } }
      const [, topic, partition, more] = txn?.appId.split('/') ?? []
      if (topic === this.#topic && more === undefined) this.#next.set(Number(partition), txn!.version)
    }
  }
}

export interface TableSeen {
  readonly rows: readonly (Row & { readonly partition: number; readonly offset: number })[]
  readonly letters: readonly { readonly partition: number; readonly offset: number; readonly rowId: string }[]
  readonly positions: readonly number[]
}

const SCRIPT = `
import json, sys
from deltalake import DeltaTable
from pyarrow import fs
place = json.loads(sys.argv[1])
options = {'AWS_ENDPOINT_URL': place['endpoint'], 'AWS_REGION': place['region'], 'AWS_ALLOW_HTTP': 'true',
           'AWS_ACCESS_KEY_ID': place['accessKey'], 'AWS_SECRET_ACCESS_KEY': place['secretKey']}
table = DeltaTable('s3://%(bucket)s/%(name)s/bronze/%(name)s' % place, storage_options=options)
data = table.to_pyarrow_table(columns=['_partition', '_offset', '_op', 'id', 'n', '_rescued'])
rows = [{'partition': r['_partition'], 'offset': r['_offset'], 'op': r['_op'], 'id': r['id'], 'n': r['n'], 'rescued': r['_rescued']}
        for r in data.to_pylist()]
store = fs.S3FileSystem(access_key=place['accessKey'], secret_key=place['secretKey'], region=place['region'],
                        endpoint_override=place['endpoint'])
lane = '%(bucket)s/%(name)s/_errors/bronze/%(name)s' % place
letters = []
for info in store.get_file_info(fs.FileSelector(lane, recursive=True, allow_not_found=True)):
    if not info.path[len(lane) + 1:].startswith('dt=') or not info.path.endswith('.json'):
        continue
    with store.open_input_stream(info.path) as file:
        for line in file.read().decode().splitlines():
            letter = json.loads(line)
            letters.append({'partition': letter['partition'], 'offset': int(letter['offset']), 'rowId': letter['row_id']})
positions = [table.transaction_version('sluice/%s/%d' % (place['name'], p)) for p in range(place['partitions'])]
print(json.dumps({'rows': rows, 'letters': letters, 'positions': positions}))
`

export async function tableSeen(
  python: Python,
  { endpoint, region, accessKey, secretKey }: S3,
  place: { readonly bucket: string; readonly name: string },
): Promise<TableSeen> {
  const where = { endpoint, region, accessKey, secretKey, partitions: PARTITIONS, ...place }
  return (await python.json(SCRIPT, JSON.stringify(where))) as TableSeen
}
