const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const DIGITS = new Map(Array.from(ALPHABET, (char, digit) => [char, digit]))

/**
 * Bytes of a text in Z85 (rfc.zeromq.org/spec/32), which the log states deletion vectors and their names in: five
 * characters for four bytes. Null where it is no such text.
 */
export function decodeBase85(text: string): Uint8Array | null {
  if (text.length % 5 !== 0) return null
  const bytes = new Uint8Array((text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < text.length; at += 5) {
    let value = 0
    for (let i = at; i < at + 5; i += 1) {
      const digit = DIGITS.get(text[i]!)
      if (digit === undefined) return null
      value = value * 85 + digit
    }
    if (value > 0xff_ff_ff_ff) return null
    view.setUint32((at / 5) * 4, value)
  }
  return bytes
}
