import { LAYERS, type TableName } from '../domain/identifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'

/** The Delta tables of a lake, by layer and name: every folder `<layer>/<table>` with a `_delta_log`. */
export async function listTables(lake: ObjectStore): Promise<TableName[]> {
  const tables: TableName[] = []
  for (const layer of LAYERS) {
    const names = new Set<string>()
    // The listing jumps from one table to the next: a table's files may be many.
    let after: string | undefined = undefined
    for (;;) {
      const first: string | undefined = await firstPath(lake, `${layer}/`, after)
      const table: string | undefined = first?.split('/')[1]
      if (first === undefined || table === undefined) break
      names.add(table)
      after = `${layer}/${table}/\u{10FFFF}`
    }
    for (const table of names) {
      if ((await firstPath(lake, `${layer}/${table}/_delta_log/`, undefined)) !== undefined)
        tables.push({ layer, table })
    }
  }
  return tables
}

async function firstPath(lake: ObjectStore, prefix: string, after: string | undefined): Promise<string | undefined> {
  for await (const { path } of lake.list(prefix, after)) return path
  return undefined
}
