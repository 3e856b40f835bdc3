import { hash } from 'node:crypto'

/**
 * Names of what a source keeps in Snowflake: a control table with the number of its last taking, and a staging table a
 * taking. Plain capitals, so that they stand in any statement; found again by the source's name and its stream.
 */
export interface StagingNames {
  /** Of a transaction that takes. */
  readonly transaction: string
  readonly control: string
  staging(number: number, id: string): string
  /** The number of a staging table of this source; null for any other name. */
  numberOf(table: string): number | null
}

export function stagingNames(source: string, stream: readonly string[]): StagingNames {
  const told = source
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '_')
    .slice(0, 40)
  const mark = hash('sha256', JSON.stringify([source, stream]), 'hex')
    .slice(0, 8)
    .toUpperCase()
  const prefix = `SLUICE_${told}_${mark}`
  const ours = new RegExp(`^${prefix}_(\\d{1,15})_[0-9A-F]{8}$`)
  return {
    transaction: prefix,
    control: `${prefix}_CONTROL`,
    staging: (number, id) => `${prefix}_${number}_${id.replaceAll('-', '').slice(0, 8).toUpperCase()}`,
    numberOf(table) {
      const match = ours.exec(table)
      return match === null ? null : Number(match[1])
    },
  }
}
