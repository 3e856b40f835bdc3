/** The columns that every bronze row carries beside the contract's (DESIGN §1 "Tables"), and the engine's `_file`. */
const RESERVED = new Set([
  '_ingest_ts',
  '_run_date',
  '_batch_id',
  '_source_system',
  '_topic',
  '_partition',
  '_epoch',
  '_offset',
  '_record_ts',
  '_op',
  '_schema_id',
  '_contract_id',
  '_rescued',
  '_file',
])

/** Delta without column mapping takes no name with one of these (PROTOCOL.md, "Column Mapping"). */
const FORBIDDEN = /[ ,;{}()\n\t=]/

export function isReservedName(name: string): boolean {
  return RESERVED.has(name.toLowerCase())
}

/** True where a contract may bring a column of this name to a table. */
export function isColumnName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && !FORBIDDEN.test(name) && !isReservedName(name) && name.isWellFormed()
}
