import { classifyError, SluiceError } from '../../domain/errors.ts'

const IN_A_ROW = 3

/**
 * A worker that died takes a flush with it, and the flush is read again from the table's position: nothing is lost. One
 * that dies over and over has a cause that reading again does not mend.
 */
export class WorkerDeaths {
  #inARow = 0

  /** Whether the last turn lost a worker. */
  get isInRow(): boolean {
    return this.#inARow > 0
  }

  /** What `turn` gives, or `again` where a worker died in it; throws WORKER_DIED once that happened too often. */
  async orAgain<T>(turn: () => Promise<T>, again: T): Promise<T> {
    try {
      const given = await turn()
      this.#inARow = 0
      return given
    } catch (error) {
      const known = classifyError(error)
      if (known.code !== 'WORKER_DIED') throw error
      this.#inARow += 1
      if (this.#inARow < IN_A_ROW) return again
      throw new SluiceError('WORKER_DIED', `${known.message}, ${IN_A_ROW} times in a row at the same place`, {
        where: known.where,
        cause: known,
      })
    }
  }
}
