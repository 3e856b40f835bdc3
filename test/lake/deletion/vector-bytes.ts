import { crc32 } from 'node:zlib'

/** Writes deletion vectors as the protocol and RoaringFormatSpec say, in every kind of container, for tests. */

export type ContainerKind = 'array' | 'bits' | 'runs'

export interface Container {
  /** Upper 16 bits of the rows. */
  readonly key: number
  readonly kind: ContainerKind
  /** Lower 16 bits, ascending. */
  readonly rows: readonly number[]
}

/** Rows in containers; more than 4096 rows cannot be an array, fewer cannot be bits. */
export function containersOf(rows: readonly number[], kindOf: (key: number) => 'runs' | 'plain'): Container[] {
  const byKey = new Map<number, number[]>()
  for (const row of rows) {
    const key = Math.floor(row / 65_536)
    byKey.set(key, [...(byKey.get(key) ?? []), row % 65_536])
  }
  return [...byKey].map(([key, low]) => ({
    key,
    rows: low,
    kind: kindOf(key) === 'runs' ? 'runs' : low.length > 4096 ? 'bits' : 'array',
  }))
}

export function vectorBytes(containers: readonly Container[], high = 0): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(1_681_511_377, 0)
  head.writeBigUInt64LE(1n, 4)
  head.writeUInt32LE(high, 12)
  return Buffer.concat([head, bitmapBytes(containers)])
}

function bitmapBytes(containers: readonly Container[]): Buffer {
  const hasRuns = containers.some(({ kind }) => kind === 'runs')
  const count = containers.length
  const parts: Buffer[] = []
  if (hasRuns) {
    parts.push(u32(12_347 | ((count - 1) << 16)))
    const flags = Buffer.alloc(Math.ceil(count / 8))
    for (const [n, { kind }] of containers.entries()) if (kind === 'runs') flags[n >> 3]! |= 1 << (n % 8)
    parts.push(flags)
  } else {
    parts.push(u32(12_346), u32(count))
  }
  for (const { key, rows } of containers) parts.push(u16(key), u16(rows.length - 1))
  const bodies = containers.map(bodyBytes)
  if (!hasRuns || count >= 4) {
    let at = parts.reduce((sum, part) => sum + part.length, 0) + count * 4
    for (const body of bodies) {
      parts.push(u32(at))
      at += body.length
    }
  }
  return Buffer.concat([...parts, ...bodies])
}

function bodyBytes({ kind, rows }: Container): Buffer {
  if (kind === 'array') return Buffer.concat(rows.map(u16))
  if (kind === 'bits') {
    const bits = Buffer.alloc(8192)
    for (const row of rows) bits[row >> 3]! |= 1 << (row % 8)
    return bits
  }
  const runs: [number, number][] = []
  for (const row of rows) {
    const last = runs.at(-1)
    if (last !== undefined && last[0] + last[1] === row) last[1] += 1
    else runs.push([row, 1])
  }
  return Buffer.concat([u16(runs.length), ...runs.flatMap(([start, length]) => [u16(start), u16(length - 1)])])
}

/** A file of vectors: a version byte, then size, data and checksum of each. Gives the offset of each too. */
export function vectorFile(vectors: readonly Uint8Array[]): { readonly bytes: Buffer; readonly offsets: number[] } {
  const parts = [Buffer.from([1])]
  const offsets: number[] = []
  let at = 1
  for (const data of vectors) {
    offsets.push(at)
    const size = Buffer.alloc(4)
    size.writeInt32BE(data.length)
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32BE(crc32(data))
    parts.push(size, Buffer.from(data), checksum)
    at += 8 + data.length
  }
  return { bytes: Buffer.concat(parts), offsets }
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

/** Filled up with zeros to a multiple of four bytes. */
export function base85(bytes: Uint8Array): string {
  const whole = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  let text = ''
  for (let at = 0; at < whole.length; at += 4) {
    let value = whole.readUInt32BE(at)
    let five = ''
    for (let n = 0; n < 5; n += 1) {
      five = Z85[value % 85]! + five
      value = Math.floor(value / 85)
    }
    text += five
  }
  return text
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
