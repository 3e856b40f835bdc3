import { SluiceError } from '../../domain/errors.ts'
import { engineInput, type TableInputRequest } from '../../lake/engine-input.ts'
import { openSnapshot } from '../../lake/snapshot.ts'
import type { EngineInput } from '../../ports/model-engine.ts'

/**
 * A table's older version as a view. Throws VERSION_VACUUMED where a file of it is gone that the newest version holds no
 * more; TABLE_FILES_MISSING where the table itself is damaged.
 */
export async function versionInput(request: TableInputRequest, table: string): Promise<EngineInput> {
  const { store, snapshot } = request
  try {
    return await engineInput(request)
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'TABLE_FILES_MISSING') throw error
    const newest = await openSnapshot(store)
    const { file } = error.where
    if (newest === null || newest.version === snapshot.version || file === undefined || newest.files.has(file)) {
      throw error
    }
    throw new SluiceError(
      'VERSION_VACUUMED',
      `version ${snapshot.version} of ${table} cannot be read: a vacuum removed ${file}, which newer versions do not hold`,
      { where: { table, version: snapshot.version, file }, cause: error },
    )
  }
}
