/** Writes an unsigned number below 2^53 in groups of seven bits, least first, and returns the end. */
export function writeVarint(value: number, out: Uint8Array, start: number): number {
  let at = start
  let rest = value
  while (rest >= 0x80) {
    out[at] = (rest % 0x80) | 0x80
    at += 1
    rest = Math.floor(rest / 0x80)
  }
  out[at] = rest
  return at + 1
}
