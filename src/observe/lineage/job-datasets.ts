import type { ColumnLineage, DatasetOffsets, DatasetRead, DatasetWritten, JobDataset } from '../../domain/dataset.ts'
import type { ColumnField } from '../../domain/column-batch.ts'
import type { GateAssertion } from '../../domain/gate-result.ts'
import type { Settings } from '../../domain/settings.ts'
import { datasetUri, nameDataset, type DatasetName } from './dataset-names.ts'
import {
  assertionsFacet,
  columnLineageFacet,
  dataSourceFacet,
  inputStatistics,
  offsetsFacet,
  outputStatistics,
  schemaFacet,
  storageFacet,
  symlinksFacet,
  versionFacet,
  type Facet,
} from './facets.ts'
import type { EventDataset } from './run-event.ts'

interface Sums {
  readonly dataset: JobDataset
  rows: number | null
  bytes: number | null
  files: number | null
  version: number | null
  fields: readonly ColumnField[] | null
  columns: ColumnLineage | null
  readonly offsets: Map<number, DatasetOffsets>
}

/** What one run of a job read and wrote, added up from what it told. Holds a line a dataset and partition. */
export class JobDatasets {
  readonly #inputs = new Map<string, Sums>()
  readonly #outputs = new Map<string, Sums>()
  readonly #assertions = new Map<string, { readonly table: string; readonly assertions: readonly GateAssertion[] }>()

  expect(inputs: readonly JobDataset[], outputs: readonly JobDataset[]): void {
    for (const dataset of inputs) sumsOf(this.#inputs, dataset)
    for (const dataset of outputs) sumsOf(this.#outputs, dataset)
  }

  read(read: DatasetRead): void {
    const sums = sumsOf(this.#inputs, read)
    if (read.rows !== undefined) sums.rows = (sums.rows ?? 0) + read.rows
    take(sums, read)
  }

  written(written: DatasetWritten): void {
    const sums = sumsOf(this.#outputs, written)
    sums.rows = (sums.rows ?? 0) + written.rows
    if (written.bytes !== undefined) sums.bytes = (sums.bytes ?? 0) + written.bytes
    if (written.files !== undefined) sums.files = (sums.files ?? 0) + written.files
    sums.columns = written.columns ?? sums.columns
    take(sums, written)
  }

  /** A commit says less than `written`: it counts only for tables of which nothing else is told. */
  committed(table: string, version: number): void {
    const sums = sumsOf(this.#outputs, { kind: 'table', name: table })
    sums.version = Math.max(sums.version ?? 0, version)
  }

  /** Told of the dataset that was written, else of the one that was read; one that was only judged counts as read. */
  judged(table: string, assertions: readonly GateAssertion[]): void {
    this.#assertions.set(keyOf({ kind: 'table', name: table }), { table, assertions })
  }

  inputs(settings: Settings): EventDataset[] {
    for (const [key, { table }] of this.#assertions) {
      if (!this.#outputs.has(key)) sumsOf(this.#inputs, { kind: 'table', name: table })
    }
    return [...this.#inputs.values()].map((sums) => ({
      ...described(sums, settings),
      inputFacets: defined({
        inputStatistics: sums.rows === null ? null : inputStatistics(sums.rows),
        sluice_offsets: offsetsOf(sums),
        dataQualityAssertions: this.#outputs.has(keyOf(sums.dataset)) ? null : this.#verdicts(sums),
      }),
    }))
  }

  outputs(settings: Settings): EventDataset[] {
    return [...this.#outputs.values()].map((sums) => {
      const { facets, ...named } = described(sums, settings)
      const table = (name: string): DatasetName => nameDataset({ kind: 'table', name }, settings)
      return {
        ...named,
        facets: {
          ...facets,
          ...defined({
            columnLineage: sums.columns === null ? null : columnLineageFacet(sums.columns, table),
            dataQualityAssertions: this.#verdicts(sums),
          }),
        },
        outputFacets: defined({
          outputStatistics:
            sums.rows === null ? null : outputStatistics({ rows: sums.rows, bytes: sums.bytes, files: sums.files }),
          sluice_offsets: offsetsOf(sums),
        }),
      }
    })
  }

  #verdicts({ dataset }: Sums): Facet | null {
    const found = this.#assertions.get(keyOf(dataset))
    return found === undefined ? null : assertionsFacet(found.assertions)
  }
}

function keyOf({ kind, name }: JobDataset): string {
  return `${kind} ${name}`
}

function sumsOf(all: Map<string, Sums>, { kind, name }: JobDataset): Sums {
  const key = keyOf({ kind, name })
  let sums = all.get(key)
  if (sums === undefined) {
    const nothing = { rows: null, bytes: null, files: null, version: null, fields: null, columns: null }
    sums = { dataset: { kind, name }, ...nothing, offsets: new Map() }
    all.set(key, sums)
  }
  return sums
}

function take(sums: Sums, { version, fields, offsets = [] }: DatasetRead): void {
  sums.version = version ?? sums.version
  sums.fields = fields ?? sums.fields
  for (const { partition, first, next } of offsets) {
    const known = sums.offsets.get(partition)
    sums.offsets.set(partition, {
      partition,
      first: known === undefined || first < known.first ? first : known.first,
      next: known === undefined || next > known.next ? next : known.next,
    })
  }
}

function offsetsOf({ offsets }: Sums): Facet | null {
  if (offsets.size === 0) return null
  return offsetsFacet([...offsets.values()].toSorted((a, b) => a.partition - b.partition))
}

function described({ dataset, version, fields }: Sums, settings: Settings): EventDataset {
  const name = nameDataset(dataset, settings)
  const isTable = dataset.kind === 'table'
  return {
    ...name,
    facets: defined({
      dataSource: dataSourceFacet(dataset.name, datasetUri(name)),
      symlinks: isTable ? symlinksFacet('sluice', dataset.name) : null,
      storage: isTable ? storageFacet() : null,
      schema: fields === null ? null : schemaFacet(fields),
      version: version === null ? null : versionFacet(version),
    }),
  }
}

function defined(facets: Readonly<Record<string, Facet | null>>): Record<string, Facet> {
  return Object.fromEntries(Object.entries(facets).filter((entry): entry is [string, Facet] => entry[1] !== null))
}
