import { randomUUID } from 'node:crypto'
import { SluiceError } from '../../domain/errors.ts'
import type { S3Link } from './s3-link.ts'

const WRITERS = 8

/**
 * I6: races writers for one name, then comes late, and refuses the store where more than one was told that it wrote.
 * A reply that was lost may leave no winner; that loses nothing.
 */
export async function provePutIfAbsent(link: S3Link, root: string): Promise<void> {
  const key = `${root}_put_if_absent/${randomUUID()}`
  try {
    const racing = Array.from({ length: WRITERS }, (_, i) => link.putIfAbsent(key, Buffer.from(`writer ${i}`)))
    const outcomes = [...(await Promise.all(racing)), await link.putIfAbsent(key, Buffer.from('late'))]
    const written = outcomes.filter((outcome) => outcome === 'written').length
    if (written > 1) {
      throw new SluiceError(
        'STORE_UNSAFE',
        `${link.uri} told ${written} of ${outcomes.length} writers of one name that they wrote it: commits would be lost`,
      )
    }
  } finally {
    await link.delete([key]).catch(() => undefined)
  }
}
