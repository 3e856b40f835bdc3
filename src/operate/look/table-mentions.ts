import { isLayer, type TableName } from '../../domain/identifier.ts'

const PIECES =
  /'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\/|(\$\w*\$)[\s\S]*?\1|(?<!\.\s*)(?<![\w."])"?(bronze|silver|gold)"?\s*\.\s*(?:"([A-Za-z_]\w*)"|([A-Za-z_]\w*))|"(?:[^"]|"")*"/gi

/**
 * What in a SQL text may name a table of the lake: `layer.table` outside texts and comments, quoted or not, each once.
 * A guess on the safe side: it may name what is an alias and its column; the engine decides.
 */
export function tableMentions(sql: string): TableName[] {
  const found = new Map<string, TableName>()
  for (const match of sql.matchAll(PIECES)) {
    const layer = match[2]?.toLowerCase()
    const table = match[3] ?? match[4]
    if (layer === undefined || table === undefined || !isLayer(layer)) continue
    found.set(`${layer}.${table.toLowerCase()}`, { layer, table })
  }
  return [...found.values()]
}
