import type { RegisteredSchema } from '../../../ports/schema-registry.ts'

/** What an id means never changes: remembered up to a bound in bytes, the least recently used goes first. */
export interface KnownSchemas {
  get(id: number): RegisteredSchema | null
  add(schema: RegisteredSchema): void
}

/** Beside its text, what one costs. */
const OVERHEAD_BYTES = 200

export function openKnownSchemas(maxBytes: number): KnownSchemas {
  const known = new Map<number, RegisteredSchema>()
  let held = 0
  return {
    get(id) {
      const found = known.get(id)
      if (found === undefined) return null
      known.delete(id)
      known.set(id, found)
      return found
    },
    add(schema) {
      const before = known.get(schema.id)
      if (before !== undefined) held -= costOf(before)
      known.delete(schema.id)
      known.set(schema.id, schema)
      held += costOf(schema)
      for (const [id, oldest] of known) {
        if (held <= maxBytes || known.size === 1) return
        known.delete(id)
        held -= costOf(oldest)
      }
    },
  }
}

function costOf({ text }: RegisteredSchema): number {
  return text.length * 2 + OVERHEAD_BYTES
}
