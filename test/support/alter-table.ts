import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface RawMetadata {
  readonly schemaString: string
  readonly configuration: Readonly<Record<string, string>>
}

/** As another engine's ALTER TABLE would: a commit of a changed metaData. For a table with all its log entries. */
export async function alterTable(table: string, change: (metaData: RawMetadata) => RawMetadata): Promise<void> {
  const log = join(table, '_delta_log')
  const entries = (await readdir(log)).filter((name) => /^\d{20}\.json$/.test(name)).sort()
  const texts = await Promise.all(entries.map((name) => readFile(join(log, name), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line.startsWith('{"metaData"'))
  const { metaData } = JSON.parse(lines.at(-1)!) as { readonly metaData: RawMetadata }
  const entry = `${JSON.stringify({ metaData: change(metaData) })}\n`
  await writeFile(join(log, `${String(entries.length).padStart(20, '0')}.json`), entry, { flag: 'wx' })
}

export function setProperty(table: string, key: string, value: string): Promise<void> {
  return alterTable(table, (metaData) => ({
    ...metaData,
    configuration: { ...metaData.configuration, [key]: value },
  }))
}

/** A top-level column takes nulls, or takes none. */
export function setNullable(table: string, column: string, nullable: boolean): Promise<void> {
  return alterTable(table, (metaData) => {
    const schema = JSON.parse(metaData.schemaString) as { fields: { name: string; nullable: boolean }[] }
    const fields = schema.fields.map((field) => (field.name === column ? { ...field, nullable } : field))
    return { ...metaData, schemaString: JSON.stringify({ ...schema, fields }) }
  })
}
