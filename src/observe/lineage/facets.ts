import type { ColumnField } from '../../domain/column-batch.ts'
import type { ColumnLineage, ColumnOrigin, DatasetOffsets } from '../../domain/dataset.ts'
import type { GateAssertion } from '../../domain/gate-result.ts'
import { typeText } from '../../domain/type-text.ts'
import type { DatasetName } from './dataset-names.ts'

/** Facets of OpenLineage, and one of our own: offsets. Pure. */

export const PRODUCER = 'urn:sluice'
const SPEC = 'https://openlineage.io/spec/facets'

export interface Facet {
  readonly _producer: string
  readonly _schemaURL: string
  readonly [field: string]: unknown
}

export type Facets = Readonly<Record<string, Facet>>

/** `facet('1-2-0/SchemaDatasetFacet', …)`: the version is the one that the facet's form was taken from. */
function facet(version: string, fields: object): Facet {
  const name = version.slice(version.indexOf('/') + 1)
  return { _producer: PRODUCER, _schemaURL: `${SPEC}/${version}.json#/$defs/${name}`, ...fields }
}

export function schemaFacet(fields: readonly ColumnField[]): Facet {
  return facet('1-2-0/SchemaDatasetFacet', { fields: fields.map(schemaField) })
}

function schemaField({ name, type }: ColumnField, index: number): object {
  const below = type.kind === 'struct' ? { fields: type.fields.map(schemaField) } : {}
  return { name, type: typeText(type), ordinal_position: index + 1, ...below }
}

export function dataSourceFacet(name: string, uri: string | null): Facet {
  return facet('1-0-1/DatasourceDatasetFacet', { name, ...(uri === null ? {} : { uri }) })
}

/** A table is also known by its name in the lake. */
export function symlinksFacet(namespace: string, table: string): Facet {
  return facet('1-0-1/SymlinksDatasetFacet', { identifiers: [{ namespace, name: table, type: 'TABLE' }] })
}

export function storageFacet(): Facet {
  return facet('1-0-1/StorageDatasetFacet', { storageLayer: 'delta', fileFormat: 'parquet' })
}

export function versionFacet(version: number): Facet {
  return facet('1-0-1/DatasetVersionDatasetFacet', { datasetVersion: String(version) })
}

export function inputStatistics(rows: number): Facet {
  return facet('1-0-0/InputStatisticsInputDatasetFacet', { rowCount: rows })
}

export interface OutputFigures {
  readonly rows: number
  readonly bytes: number | null
  readonly files: number | null
}

export function outputStatistics({ rows, bytes, files }: OutputFigures): Facet {
  const size = bytes === null ? {} : { size: bytes }
  return facet('1-0-2/OutputStatisticsOutputDatasetFacet', {
    rowCount: rows,
    ...size,
    ...(files === null ? {} : { fileCount: files }),
  })
}

/** Our own: `[first, next)` of each partition that was read or written; offsets as texts, since they pass 2^53. */
export function offsetsFacet(offsets: readonly DatasetOffsets[]): Facet {
  return {
    _producer: PRODUCER,
    _schemaURL: 'urn:sluice:facet:offsets:1',
    partitions: offsets.map(({ partition, first, next }) => ({
      partition,
      first: first.toString(),
      next: next.toString(),
    })),
  }
}

/** Never a value of a row: names, figures, verdicts. */
export function assertionsFacet(assertions: readonly GateAssertion[]): Facet {
  return facet('1-1-0/DataQualityAssertionsDatasetFacet', {
    assertions: assertions.map(({ expectation, column, severity, success, offending, expected, actual }) => ({
      assertion: expectation,
      success,
      severity: severity === 'critical' ? 'error' : 'warn',
      ...(column === null ? {} : { column }),
      ...(expected === null ? {} : { expected }),
      ...(actual === null ? {} : { actual }),
      ...(offending === null ? {} : { params: { offending_rows: offending } }),
    })),
  })
}

export function columnLineageFacet({ columns, rows }: ColumnLineage, nameTable: (table: string) => DatasetName): Facet {
  const inputField = (origin: ColumnOrigin): object => ({
    ...nameTable(origin.table),
    field: origin.column,
    transformations: [{ ...TRANSFORMATIONS[origin.how], description: '', masking: false }],
  })
  return facet('1-2-0/ColumnLineageDatasetFacet', {
    fields: Object.fromEntries(
      [...columns]
        .filter(([, origins]) => origins.length > 0)
        .map(([column, origins]) => [column, { inputFields: origins.map(inputField) }]),
    ),
    dataset: rows.map(inputField),
  })
}

const TRANSFORMATIONS = {
  identity: { type: 'DIRECT', subtype: 'IDENTITY' },
  transformation: { type: 'DIRECT', subtype: 'TRANSFORMATION' },
  aggregation: { type: 'DIRECT', subtype: 'AGGREGATION' },
  join: { type: 'INDIRECT', subtype: 'JOIN' },
  filter: { type: 'INDIRECT', subtype: 'FILTER' },
  group_by: { type: 'INDIRECT', subtype: 'GROUP_BY' },
  sort: { type: 'INDIRECT', subtype: 'SORT' },
  window: { type: 'INDIRECT', subtype: 'WINDOW' },
} as const satisfies Record<ColumnOrigin['how'], object>

export function jobTypeFacet(jobType: string, processingType: 'BATCH' | 'SERVICE'): Facet {
  return facet('2-0-4/JobTypeJobFacet', { processingType, integration: 'SLUICE', jobType })
}

export interface ParentRun {
  readonly runId: string
  readonly namespace: string
  readonly name: string
}

export function parentFacet({ runId, namespace, name }: ParentRun): Facet {
  return facet('1-2-0/ParentRunFacet', { run: { runId }, job: { namespace, name } })
}

export function errorFacet(code: string, message: string): Facet {
  return facet('1-0-1/ErrorMessageRunFacet', { message: `${code}: ${message}`, programmingLanguage: 'TypeScript' })
}

/** Our own: what joins a run of lineage to the lines of its log. */
export function traceFacet(ids: { readonly runId: string; readonly traceId: string }): Facet {
  return { _producer: PRODUCER, _schemaURL: 'urn:sluice:facet:trace:1', run_id: ids.runId, trace_id: ids.traceId }
}
