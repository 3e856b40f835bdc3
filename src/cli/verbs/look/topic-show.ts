import { SluiceError } from '../../../domain/errors.ts'
import { describeTopic, showTopic, type ShownRecord } from '../../../operate/look/show-topic.ts'
import { escapeControls } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'

export const topicShow: Verb = {
  positionals: [{ name: 'TOPIC', meaning: 'a topic', required: true }],
  flags: [
    { name: 'partition', type: 'integer', value: 'P', meaning: 'its partition; needed where there are several' },
    { name: 'offset', type: 'offset', value: 'N', meaning: 'the first record; the last ones where it is not given' },
    { name: 'limit', type: 'integer', value: 'RECORDS', meaning: 'how many records (default 1)' },
  ],
  notes: ['What a contract tags as PII is masked. Says too what each bronze table makes of the record now.'],
  async run({ world: open, positionals, flags, print }) {
    const topic = positionals[0]!
    const world = await open()
    const { partitions } = await describeTopic(world, topic)
    const partition = flags.integer('partition') ?? (partitions.length === 1 ? 0 : null)
    if (partition === null) {
      throw new SluiceError('USAGE', `topic ${topic} has ${partitions.length} partitions: name one with --partition`, {
        where: { topic },
      })
    }
    const records = await showTopic(world, {
      topic,
      partition,
      offset: flags.offset('offset'),
      limit: Math.max(1, flags.integer('limit') ?? 1),
    })
    print.result({ topic, partition, records: records.map(recordForm) }, () =>
      records.length === 0
        ? `${topic}/${partition} holds no records`
        : records.map((record) => recordText(topic, partition, record)).join('\n\n'),
    )
    return 0
  },
}

function recordForm(record: ShownRecord): object {
  return {
    offset: record.offset,
    timestamp: new Date(record.timestampMs),
    key: record.key,
    headers: record.headers,
    kind: record.kind,
    schema_id: record.schemaId,
    written_as: record.writtenAs,
    record: record.record,
    reason: record.reason,
    bytes: record.bytes,
    raw: record.raw,
    verdicts: record.verdicts.map(({ table, errors }) => ({ table, passes: errors.length === 0, errors })),
  }
}

function recordText(topic: string, partition: number, record: ShownRecord): string {
  const line = (label: string, text: string): string => `  ${label.padEnd(10)}${escapeControls(text)}`
  const lines = [
    `${topic}/${partition} offset ${record.offset}, ${new Date(record.timestampMs).toISOString()}, ${record.bytes} bytes`,
    line('key', record.key ?? 'none'),
    ...record.headers.map(({ key, value }) => line('header', `${key}: ${value}`)),
  ]
  if (record.schemaId !== null)
    lines.push(line('schema', `${record.schemaId}${record.writtenAs === null ? '' : ` (${record.writtenAs})`}`))
  if (record.kind === 'tombstone') lines.push(line('value', 'null: a deletion'))
  if (record.kind === 'undecodable') {
    lines.push(line('value', `cannot be decoded: ${record.reason ?? ''}`))
    lines.push(line('raw', record.raw ?? 'not shown, since a contract of this topic tags PII'))
  }
  if (record.kind === 'record') {
    const text = JSON.stringify(record.record, null, 2).split('\n').map(escapeControls)
    lines.push(`  ${'record'.padEnd(10)}${text.join('\n            ')}`)
  }
  for (const { table, errors } of record.verdicts) {
    const verdict = errors.length === 0 ? 'passes' : `refused: ${errors.map((error) => error.message).join(' ')}`
    lines.push(line(table, ` ${verdict}`))
  }
  return lines.join('\n')
}
