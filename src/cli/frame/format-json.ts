/** JSON as `--json` prints it: offsets and other bigints as strings, times ISO 8601, maps as objects, sets as lists, bytes as base64. */
export function formatJson(value: unknown): string {
  return JSON.stringify(toJson(value)) ?? 'null'
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, (item) => toJson(item) ?? null)
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value)
  // fromEntries defines own properties, so that a column named __proto__ is only a name.
  return Object.fromEntries(Array.from(entries, ([key, item]) => [String(key), toJson(item)]))
}
