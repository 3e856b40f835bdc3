import { createHash } from 'node:crypto'

export const MAX_ID = 0x7fffffff

/** 1 to 2^31 - 1, from the first bits of a SHA-256 of the canonical content. */
export function contentId(content: string): number {
  const id = createHash('sha256').update(content, 'utf8').digest().readUInt32BE(0) & MAX_ID
  return id === 0 ? 1 : id
}
