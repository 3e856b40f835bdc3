/** Gives bytes to unpack into. What was unpacked ends where its view does; what is behind that may be given again. */
export type Room = (bytes: number) => Buffer

export const ownRoom: Room = (bytes) => Buffer.allocUnsafeSlow(bytes)

/** As a codec throws it: more than the reader takes. */
export class UnpacksToMore extends RangeError {
  constructor(maxBytes: number) {
    super(`it unpacks to more than ${maxBytes} bytes`)
  }
}

/** Only what is touched of it takes memory. */
const SCRATCH_BYTES = 8 * 1024 * 1024
let scratch: Buffer | null = null

/**
 * Room for what is put together in one go, one behind the other: it is given again as soon as another one is opened, so
 * what is to stay must have been copied by then. More than it holds gets room of its own.
 */
export class ScratchRoom {
  #used = 0
  readonly #scratch = (scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES))

  readonly roomFor: Room = (bytes) => {
    if (this.#used + bytes > this.#scratch.length) return ownRoom(bytes)
    return this.#scratch.subarray(this.#used, this.#used + bytes)
  }

  /** What was unpacked into the room that was given last. */
  keep(unpacked: Buffer): void {
    if (this.holds(unpacked)) this.#used = unpacked.byteOffset - this.#scratch.byteOffset + unpacked.length
  }

  holds(unpacked: Buffer): boolean {
    return unpacked.buffer === this.#scratch.buffer
  }
}
