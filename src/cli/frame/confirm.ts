import { createInterface } from 'node:readline/promises'
import { SluiceError } from '../../domain/errors.ts'

export interface Asking {
  readonly yes: boolean
  /** Both stdin and stderr are a terminal. */
  readonly terminal: boolean
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
}

/** Returns if agreed; throws CONFIRMATION_NEEDED otherwise. The question goes to stderr, so that stdout stays the result's. */
export async function askToConfirm(question: string, asking: Asking): Promise<void> {
  if (asking.yes) return
  if (!asking.terminal) {
    throw new SluiceError('CONFIRMATION_NEEDED', `${question} This needs a yes, and there is no terminal to ask on`)
  }
  const asker = createInterface({ input: asking.input, output: asking.output })
  try {
    // At the end of input there is no answer, and none will come.
    const ended = new Promise<string>((resolve) => asker.once('close', () => resolve('')))
    const answer = await Promise.race([asker.question(`${question} [y/N] `), ended])
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new SluiceError('CONFIRMATION_NEEDED', 'not confirmed; nothing was changed')
  } finally {
    asker.close()
  }
}
