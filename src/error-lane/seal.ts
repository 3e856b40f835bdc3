import { createCipheriv, createDecipheriv, createHmac, hkdfSync, scryptSync, timingSafeEqual } from 'node:crypto'

import { SluiceError } from '../domain/errors.ts'

/**
 * Sealing of what may hold PII: AES-256-GCM under a key derived from `errors.seal_key`.
 *
 * A sealed value is: version (1 byte, 1), key id (4 bytes), nonce (12), ciphertext, tag (16). The key id is a digest of
 * the derived key, so a value sealed under another key is told apart from a damaged one. `context` (the row id and what
 * is sealed) is authenticated: a value moved to another letter does not open. The nonce is an HMAC of context and
 * plaintext, so the same letter written twice has the same bytes and a nonce is never used for two plaintexts; equal
 * nonces tell only that one letter was written again.
 *
 * The passphrase goes through scrypt with a fixed salt: sealed values of one key can be compared across deployments,
 * and a weak passphrase is only as good as scrypt makes it.
 */
export interface SealKey {
  readonly id: Buffer
  readonly encrypt: Buffer
  readonly nonce: Buffer
}

const VERSION = 1
const SALT = 'sluice/error-lane/seal/1'
const HEAD = 1 + 4 + 12
const TAG = 16

const derived = new Map<string, SealKey>()

/** Derives once a passphrase (about 50 ms), then remembers. */
export function sealKeyOf(passphrase: string): SealKey {
  const known = derived.get(passphrase)
  if (known !== undefined) return known
  const root = scryptSync(passphrase, SALT, 32, { N: 16_384, r: 8, p: 1 })
  const part = (info: string, bytes: number): Buffer => Buffer.from(hkdfSync('sha256', root, '', info, bytes))
  const key: SealKey = { id: part('key id', 4), encrypt: part('encrypt', 32), nonce: part('nonce', 32) }
  derived.set(passphrase, key)
  return key
}

export function sealBytes(passphrase: string, context: string, plain: Uint8Array): Uint8Array {
  const key = sealKeyOf(passphrase)
  const nonce = createHmac('sha256', key.nonce).update(context).update('\0').update(plain).digest().subarray(0, 12)
  const cipher = createCipheriv('aes-256-gcm', key.encrypt, nonce)
  cipher.setAAD(Buffer.from(context, 'utf8'))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.of(VERSION), key.id, nonce, body, cipher.getAuthTag()])
}

/** The keys that may open a letter: the one in force, then earlier ones. */
export function openingKeys(errors: {
  readonly sealKey: string | null
  readonly oldSealKeys: readonly string[]
}): readonly string[] {
  return errors.sealKey === null ? errors.oldSealKeys : [errors.sealKey, ...errors.oldSealKeys]
}

/** Throws SEAL_KEY_MISSING where none of the keys sealed it, LETTERS_UNREADABLE for bytes that were changed. */
export function openSealed(passphrases: readonly string[], context: string, sealed: Uint8Array): Uint8Array {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (bytes.length < HEAD + TAG || bytes[0] !== VERSION) throw damaged(context)
  const id = bytes.subarray(1, 5)
  if (passphrases.length === 0) {
    throw new SluiceError(
      'SEAL_KEY_MISSING',
      `the letter is sealed under key ${id.toString('hex')} and no key is set`,
      {
        where: { key: 'errors.seal_key' },
      },
    )
  }
  const key = passphrases.map(sealKeyOf).find((each) => timingSafeEqual(id, each.id))
  if (key === undefined) {
    const given = passphrases.map((each) => sealKeyOf(each).id.toString('hex')).join(', ')
    throw new SluiceError(
      'SEAL_KEY_MISSING',
      `the letter is sealed under key ${id.toString('hex')}, and the settings give key ${given}`,
      {
        where: { key: 'errors.seal_key' },
        hint: 'Add the key that was in force when it was written to errors.old_seal_keys.',
      },
    )
  }
  const decipher = createDecipheriv('aes-256-gcm', key.encrypt, bytes.subarray(5, HEAD))
  decipher.setAAD(Buffer.from(context, 'utf8'))
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD, bytes.length - TAG)), decipher.final()])
  } catch (cause) {
    throw damaged(context, cause)
  }
}

function damaged(context: string, cause?: unknown): SluiceError {
  return new SluiceError('LETTERS_UNREADABLE', `the sealed bytes of ${context} were changed after they were written`, {
    cause,
  })
}
