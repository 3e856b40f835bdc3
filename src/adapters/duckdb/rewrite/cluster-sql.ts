import { quoteIdentifier } from '../../../domain/identifier.ts'
import type { Tiling } from './tile-ranks.ts'

/**
 * Z-order by interleaved ranks, as DuckDB's SQL. A value's rank is its place among the quantiles of a sample of its
 * column: so texts, numbers, dates and times count alike, and a value that many rows have takes up as many ranks as its
 * share. Ranks are interleaved bit by bit; rows in the order of the result are near each other in all columns. Where
 * there are several files, each is a tile (`tile-ranks`), and its rows are in that order.
 */

/** Ranks of 10 bits tell a thousand places apart, and cut a table into a million cells by two columns. */
const MAX_BITS = 10
/** What fits a signed integer of 64 bits. */
const KEY_BITS = 62
const SAMPLE_ROWS = 50_000
const SAMPLE_ROWS_A_FILE = 100
const MOST_SAMPLE_ROWS = 500_000
const SHOWN_ROWS = 128
const SAMPLE = 'sluice_sample'
const SPREAD = 'sluice_spread'

export interface Clustering {
  /** To be run first, in order. */
  readonly statements: readonly string[]
  /** Some rows of the sample. */
  readonly shown: string
  /** The ranks of the sample's rows, a column each. */
  readonly ranks: string
  /** They are below it. */
  readonly rankCount: number
  /** The SELECT in z-order. */
  readonly select: string
  /** The same, tile by tile, with the number of the tile as the column `TILE`; the statements go before it. */
  tiled(tiling: Tiling): { readonly statements: readonly string[]; readonly select: string }
}

export const TILE = 'sluice_tile'

export interface ClusterRequest {
  /** All columns of the source. */
  readonly fields: readonly string[]
  readonly columns: readonly string[]
  /** That it shall become: the more, the more rows are sampled. */
  readonly files: number
}

/** `source` is a SELECT that may run twice. */
export function clusterSql(source: string, { fields, columns, files }: ClusterRequest): Clustering {
  const sampleRows = Math.min(MOST_SAMPLE_ROWS, Math.max(SAMPLE_ROWS, files * SAMPLE_ROWS_A_FILE))
  const bits = rankBits(columns.length)
  const names = fields.map((name) => quoteIdentifier(name)).join(', ')
  const ranked = rankedSql(source, columns, bits)
  const key = keySql(columns.length)
  const sampled = columns.map((column) => quoteIdentifier(column)).join(', ')
  return {
    statements: [
      `create or replace temp table ${SAMPLE} as select ${sampled} from (${source}) using sample reservoir(${sampleRows} rows) repeatable (1)`,
      ...columns.map((column, j) => boundsSql(column, j, bits)),
      spreadSql(columns.length, bits),
    ],
    shown: `select * from ${SAMPLE} using sample reservoir(${SHOWN_ROWS} rows) repeatable (1)`,
    ranks: `select ${columns.map((_, j) => rank(j)).join(', ')} from (${rankedSql(`select * from ${SAMPLE}`, columns, bits)})`,
    rankCount: 1 << bits,
    select: `select ${names} from (${ranked}) order by ${key}`,
    tiled: ({ levels }) => ({
      statements: levels.map((level, j) => `set variable ${part(j)} = [${level.join(', ')}]::INTEGER[]`),
      select: `select ${names}, ${tileSql(levels.length, 1 << bits)} as ${TILE} from (${ranked}) order by ${TILE}, ${key}`,
    }),
  }
}

/** The part by the last column, each looked up beside the part by those before it. */
function tileSql(columns: number, rankCount: number): string {
  let sql = '0'
  for (let j = 0; j < columns; j += 1) sql = `getvariable('${part(j)}')[${sql} * ${rankCount} + ${rank(j)} + 1]`
  return sql
}

export function rankBits(columns: number): number {
  return Math.max(1, Math.min(MAX_BITS, Math.floor(KEY_BITS / columns)))
}

/**
 * The SELECT with the rank of each column beside its columns: how many of the bounds are not above the value, found by
 * halving; 0 for null.
 */
function rankedSql(source: string, columns: readonly string[], bits: number): string {
  let sql = `select *, ${columns.map((_, j) => `0 as ${rank(j)}`).join(', ')} from (${source})`
  const ranks = columns.map((_, j) => rank(j)).join(', ')
  for (let step = 1 << (bits - 1); step >= 1; step >>= 1) {
    const next = columns.map((column, j) => {
      const reached = `${quoteIdentifier(column)} >= getvariable('${bounds(j)}')[${rank(j)} + ${step}]`
      return `${rank(j)} + case when ${reached} then ${step} else 0 end as ${rank(j)}`
    })
    sql = `select * exclude (${ranks}), ${next.join(', ')} from (${sql})`
  }
  return sql
}

/** The least value of the sample comes first, so that nulls keep a rank of their own. */
function boundsSql(column: string, at: number, bits: number): string {
  const count = (1 << bits) - 1
  const places = Array.from({ length: count }, (_, i) => (i / count).toFixed(6)).join(', ')
  return `set variable ${bounds(at)} = (select quantile_disc(${quoteIdentifier(column)}, [${places}]) from ${SAMPLE})`
}

/** For each rank its bits with room between them for those of the other columns. */
function spreadSql(columns: number, bits: number): string {
  const spread = Array.from({ length: 1 << bits }, (_, each) => {
    let key = 0n
    for (let bit = 0; bit < bits; bit += 1) key |= BigInt((each >> bit) & 1) << BigInt(bit * columns)
    return `${key}`
  })
  return `set variable ${SPREAD} = [${spread.join(', ')}]::BIGINT[]`
}

function keySql(columns: number): string {
  return Array.from({ length: columns }, (_, j) => `(getvariable('${SPREAD}')[${rank(j)} + 1] << ${j})`).join(' | ')
}

function rank(at: number): string {
  return `sluice_rank_${at}`
}

function part(at: number): string {
  return `sluice_part_${at}`
}

function bounds(at: number): string {
  return `sluice_bounds_${at}`
}
