import { plainNames } from '../../src/domain/plain-names.ts'
import { undeclaredColumn, type DescribedObject } from '../../src/ports/source-connector.ts'
import { formatOf, type FilesOptions } from './files-options.ts'
import { describeParquet } from './formats/parquet-file.ts'
import { openBytes, type OpenFile } from './read-bytes.ts'
import { createSplitter, splitAll } from './read-file.ts'
import { csvRows, jsonRows } from './formats/read-rows.ts'

const LOOKED_AT_RECORDS = 100

/** Columns as a Parquet file declares them, as the header names them, or as the first JSON objects do. */
export async function describeFile(opened: OpenFile, options: FilesOptions): Promise<DescribedObject> {
  const { source, file } = opened
  if (formatOf(file.object, options.format) === 'parquet') return describeParquet(opened, options)
  const seenNames = new Set<string>()
  const csv = formatOf(file.object, options.format) === 'csv'
  const toRow = csv ? csvRows({ source, object: file.object, plainNames: false }) : jsonRows({ plainNames: false })
  let seen = 0
  look: for await (const records of splitAll(openBytes(opened).chunks, createSplitter(file, options))) {
    for (const record of records) {
      const row = toRow(record)
      if (csv && record.kind === 'fields') for (const name of record.fields) seenNames.add(name)
      if (row.kind === 'row') for (const name of row.columns) seenNames.add(name)
      seen += 1
      if (csv || seen >= LOOKED_AT_RECORDS) break look
    }
  }
  const names = [...seenNames]
  const columns = (options.plainNames ? plainNames(names) : names).map(undeclaredColumn)
  return { name: file.object, columns, key: [], bytes: file.bytes }
}
