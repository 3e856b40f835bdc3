import { formatDuration } from '../../../domain/duration.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'

export const topicList: Verb = {
  positionals: [],
  flags: [],
  async run({ world: open, print }) {
    const world = await open()
    const topics = (await world.log.topics()).map(({ topic, retentionMs, partitions }) => ({
      topic,
      retentionMs,
      partitions: partitions.map(({ partition, start, end, endTimeMs }) => ({
        partition,
        start,
        end,
        records: Number(end - start),
        last_time: endTimeMs === null ? null : new Date(endTimeMs),
      })),
    }))
    print.result(
      {
        topics: topics.map(({ topic, retentionMs, partitions }) => ({
          topic,
          retention_seconds: retentionMs === null ? null : retentionMs / 1000,
          records: partitions.reduce((sum, { records }) => sum + records, 0),
          partitions,
        })),
      },
      () =>
        topics.length === 0
          ? 'no topics yet: `sluice connect` makes them'
          : formatTable({
              heads: ['topic', 'partition', 'start', 'end', 'records', 'last_time', 'retention'],
              rows: topics.flatMap(({ topic, retentionMs, partitions }) =>
                partitions.map((each) => [
                  topic,
                  each.partition,
                  each.start,
                  each.end,
                  each.records,
                  each.last_time?.toISOString() ?? null,
                  retentionMs === null ? 'forever' : formatDuration(retentionMs),
                ]),
              ),
            }),
    )
    return 0
  },
}
