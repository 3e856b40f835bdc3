import { SluiceError } from '../../src/domain/errors.ts'
import type { FoundFile } from './places/file-place.ts'

export function fileChanged(source: string, { object }: FoundFile): SluiceError {
  return new SluiceError('SOURCE_FILE_CHANGED', `source ${source}: ${object} changed while it was read`, {
    where: { source, file: object },
    hint: 'Put whole files into the folder, by a rename; some rows of this one may have travelled.',
  })
}
