import { schemaIdAt } from '../../contract/wire.ts'
import type { RecordBatch } from '../../domain/record-batch.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../ports/schema-registry.ts'

/** The writer schemas that a batch's records name; asked of the registry once per id for the life of a lane. */
export class WriterCache {
  readonly #registry: SchemaRegistry
  readonly #known = new Map<number, RegisteredSchema>()

  constructor(registry: SchemaRegistry) {
    this.#registry = registry
  }

  get known(): ReadonlyMap<number, RegisteredSchema> {
    return this.#known
  }

  /**
   * Fetches what is not known yet. Returns the index of the first record whose id the registry does not have, or null
   * where all are known. Ids are not remembered as unknown: registering one lets the lane go on.
   */
  async resolve(batch: RecordBatch): Promise<{ readonly index: number; readonly schemaId: number } | null> {
    const { bytes, valueStarts, valueEnds, count } = batch
    // Neighbours mostly name the same schema.
    let last = -1
    for (let index = 0; index < count; index += 1) {
      const id = schemaIdAt(bytes, valueStarts[index]!, valueEnds[index]!)
      if (id === -1 || id === last || this.#known.has(id)) {
        if (id !== -1) last = id
        continue
      }
      const schema = await this.#registry.byId(id)
      if (schema === null) return { index, schemaId: id }
      this.#known.set(id, schema)
    }
    return null
  }
}
