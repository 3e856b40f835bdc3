import { resolveTable } from '../../../operate/look/resolve-table.ts'
import { formatTable } from '../../format-table.ts'
import type { Verb } from '../../verb.ts'
import { AS_OF, TABLE } from './table-describe.ts'

const SHOWN_FILES = 200

export const tableFiles: Verb = {
  positionals: [TABLE],
  flags: [
    AS_OF,
    {
      name: 'limit',
      type: 'integer',
      value: 'FILES',
      meaning: `at most so many files (without --json: ${SHOWN_FILES} unless told)`,
    },
  ],
  async run({ world: open, positionals, flags, json, print }) {
    const asOfMs = flags.ms('as-of')
    const world = await open()
    const { text: table, snapshot } = await resolveTable(
      world.lake,
      positionals[0]!,
      asOfMs === null ? undefined : { timestampMs: asOfMs },
    )
    const all = [...snapshot.files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    const files = all.slice(0, flags.integer('limit') ?? (json ? Infinity : SHOWN_FILES))
    print.result(
      {
        table,
        version: snapshot.version,
        files: files.map((file) => ({
          path: file.path,
          bytes: file.bytes,
          rows: file.rows,
          partition_values: file.partitionValues,
          modified: new Date(file.modificationTimeMs),
        })),
      },
      () =>
        files.length === 0
          ? 'no files'
          : formatTable({
              heads: ['path', 'bytes', 'rows', 'modified', ...snapshot.metadata.partitionColumns],
              maxCell: 120,
              rows: files.map((file) => [
                file.path,
                file.bytes,
                file.rows,
                new Date(file.modificationTimeMs).toISOString(),
                ...snapshot.metadata.partitionColumns.map((column) => file.partitionValues[column]),
              ]),
            }),
    )
    if (files.length < all.length) print.step(`cut after ${files.length} of ${all.length} files; --limit shows more`)
    return 0
  },
}
