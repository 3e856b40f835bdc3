import type { DuckDBConnection } from '@duckdb/node-api'
import { stat } from 'node:fs/promises'
import type { ColumnField } from '../../domain/column-batch.ts'
import { SluiceError } from '../../domain/errors.ts'
import { quoteIdentifier } from '../../domain/identifier.ts'
import type { EngineFile, EngineInput, OutputSlices } from '../../ports/model-engine.ts'
import { queryType } from './duckdb-types.ts'
import { filesTable, narrowInputView } from './input-view.ts'
import { quoteText } from './files/quote.ts'
import { runAndReadAll, runStatement } from './run-statement.ts'

/** Some partitions of an output. */
export interface Slice {
  /** The view over its files in these partitions; null where it has none. */
  readonly input: EngineInput | null
  /** SELECT of the other rows in these partitions, as they are stored. */
  readonly others: string
}

interface Part {
  readonly places: readonly string[]
  readonly files: readonly EngineFile[]
}

/** A partition's rows take up many times the bytes of its file while they wait to be written. */
const SLICE_SHARE = 64
/** Up to so many, working out the other rows again for each costs less than keeping them. */
const FEW_SLICES = 4
const OTHERS = 'sluice_slice_others'
const PLACE = 'sluice_slice_place'

/** The views of one session, each over the files that it still has. */
export class OpenViews {
  readonly #connection: DuckDBConnection
  readonly #inputs: Map<string, EngineInput>
  readonly #sliceBytes: number

  constructor(connection: DuckDBConnection, inputs: readonly EngineInput[], memoryLimitBytes: number) {
    this.#connection = connection
    this.#inputs = new Map(inputs.map((input) => [input.name, input]))
    this.#sliceBytes = memoryLimitBytes / SLICE_SHARE
  }

  async narrow(name: string, paths: ReadonlySet<string>): Promise<void> {
    const input = this.#find(name)
    const files = input.files.filter(({ path }) => paths.has(path))
    if (files.length === input.files.length) return
    const narrowed = { ...input, files }
    await narrowInputView(this.#connection, narrowed)
    this.#inputs.set(name, narrowed)
  }

  /**
   * Goes through the partitions of an output, some after the other. `others` are the rows beside the view's, as they
   * are stored. Where there are many slices they are kept by their partition, so that each slice reads its own.
   */
  async *slices(
    { view, others }: Pick<OutputSlices, 'view' | 'others'>,
    fields: readonly ColumnField[],
    partitionBy: readonly ColumnField[],
  ): AsyncGenerator<Slice> {
    const whole = this.#find(view)
    if ((await bytesOf(whole.files)) < this.#sliceBytes) {
      yield { input: whole.files.length === 0 ? null : whole, others }
      return
    }
    const placed = `select o.*, ${placeSql(partitionBy)} as ${PLACE} from (${others}) o`
    const parts = await this.#parts(await this.#filesByPlace(whole, partitionBy, placed))
    const isKept = parts.length > FEW_SLICES
    if (isKept) await runStatement(this.#connection, `create temp table ${OTHERS} as ${placed}`)
    const columns = fields.map(({ name }) => quoteIdentifier(name)).join(', ')
    for (const { places, files } of parts) {
      const from = isKept ? OTHERS : `(${placed}) ${OTHERS}`
      yield {
        input: files.length === 0 ? null : { ...whole, files },
        others: `select ${columns} from ${from} where ${PLACE} in (${places.map(quoteText).join(', ')})`,
      }
    }
    if (isKept) await this.#connection.run(`drop table ${OTHERS}`)
  }

  /** So many partitions at a time that their files have about the bytes of a slice. */
  async #parts(byPlace: ReadonlyMap<string, readonly EngineFile[]>): Promise<readonly Part[]> {
    const parts: Part[] = []
    let part: Part = { places: [], files: [] }
    let bytes = 0
    for (const [place, held] of byPlace) {
      part = { places: [...part.places, place], files: [...part.files, ...held] }
      bytes += await bytesOf(held)
      if (bytes < this.#sliceBytes) continue
      parts.push(part)
      part = { places: [], files: [] }
      bytes = 0
    }
    return part.places.length === 0 ? parts : [...parts, part]
  }

  /** By the text of their partition values, as `placeSql` gives it. */
  async #filesByPlace(
    input: EngineInput,
    partitionBy: readonly ColumnField[],
    placed: string,
  ): Promise<ReadonlyMap<string, readonly EngineFile[]>> {
    const byPlace = new Map<string, EngineFile[]>()
    if (input.files.length > 0) {
      const of = ({ name }: ColumnField): string => `p${input.partitionColumns.indexOf(name)}`
      const places = new Map<unknown, unknown>(
        await this.#rows(`select path, ${placeSql(partitionBy, of)} from ${filesTable(input)}`),
      )
      for (const file of input.files) {
        const place = String(places.get(file.path))
        byPlace.set(place, [...(byPlace.get(place) ?? []), file])
      }
    }
    for (const [place] of await this.#rows(`select distinct ${PLACE} from (${placed}) ${OTHERS}`)) {
      if (!byPlace.has(String(place))) byPlace.set(String(place), [])
    }
    return byPlace
  }

  async #rows(sql: string): Promise<readonly (readonly [unknown, unknown])[]> {
    const reader = await runAndReadAll(this.#connection, sql)
    return reader.getRows().map((row) => [row[0], row[1]] as const)
  }

  #find(name: string): EngineInput {
    const input = this.#inputs.get(name)
    if (input === undefined) throw new SluiceError('BUG', `there is no view ${name}`)
    return input
  }
}

async function bytesOf(files: readonly EngineFile[]): Promise<number> {
  let bytes = 0
  for (const { localFile } of files) bytes += (await stat(localFile)).size
  return bytes
}

/**
 * The partition of a row as one text. By the types that the table has, since a SELECT may give others that are stored
 * as those and are written otherwise as text; Delta has no empty value beside null.
 */
function placeSql(
  partitionBy: readonly ColumnField[],
  of: (field: ColumnField) => string = ({ name }) => quoteIdentifier(name),
): string {
  const texts = partitionBy.map(
    (field) => `coalesce(cast(cast(${of(field)} as ${queryType(field.type)}) as VARCHAR), '')`,
  )
  return `concat_ws(chr(31), ${texts.join(', ')})`
}
