import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'

/** Higher levels cost more time than they save bytes on pages of columns. */
const ZSTD_LEVEL = 1
const PARAMS = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL }

/** What lies under Node's zstd stream: one call compresses all of the input, and leaves in `state` the room that is left. */
interface Context {
  // oxlint-disable-next-line eslint/max-params -- Node's own form
  writeSync(flush: number, input: Uint8Array, at: number, size: number, out: Uint8Array, to: number, room: number): void
}
interface Opened {
  readonly context: Context
  /** Room left in the output, input left. */
  readonly state: Uint32Array
}

/** One context for page after page; null before the first, false where Node has no such thing any more. */
let opened: Opened | false | null = null
let room = new Uint8Array(0)

/**
 * A zstd frame that shares memory with nothing. `zstdCompressSync` makes a context, a stream and pieces of output for
 * every call, a fifth to a third of all its time; so one context is used again. That is no part of what Node documents:
 * it is looked at before it is used, and where it is not as known, the documented call serves. (A frame's end leaves the
 * context ready for the next; Node's own `reset` would make a new one, of another level.)
 */
export function zstdFrame(body: Uint8Array): Uint8Array {
  opened ??= open()
  const frame = opened === false ? null : compressWith(opened, body)
  if (frame !== null) return frame
  opened = false
  return documentedFrame(body)
}

export function documentedFrame(body: Uint8Array): Uint8Array {
  return zstdCompressSync(body, { params: PARAMS, pledgedSrcSize: body.length, chunkSize: frameBound(body.length) })
}

function open(): Opened | false {
  const stream: object = createZstdCompress({ params: PARAMS })
  const context: unknown = Reflect.get(stream, '_handle')
  const state: unknown = Reflect.get(stream, '_writeState')
  if (!isContext(context) || !(state instanceof Uint32Array)) return false
  return { context, state }
}

function isContext(value: unknown): value is Context {
  return typeof value === 'object' && value !== null && 'writeSync' in value && typeof value.writeSync === 'function'
}

/** Null where the call did not do as expected. */
function compressWith({ context, state }: Opened, body: Uint8Array): Uint8Array | null {
  const most = frameBound(body.length)
  if (room.length < most) room = new Uint8Array(most)
  state.fill(0)
  context.writeSync(constants.ZSTD_e_end, body, 0, body.length, room, 0, room.length)
  const [roomLeft, inputLeft] = state
  // With the most that a frame can take there is room left, and the frame ended.
  return roomLeft === 0 || inputLeft !== 0 ? null : room.slice(0, room.length - roomLeft!)
}

/** `ZSTD_compressBound`, and one byte more. Given so much room, zstd reads and writes in place. */
function frameBound(bytes: number): number {
  const small = 1 << 17
  return bytes + (bytes >>> 8) + (bytes < small ? (small - bytes) >>> 11 : 0) + 1
}
