import { existsSync } from 'node:fs'
import path from 'node:path'
import { SluiceError } from '../domain/errors.ts'
import type { Environment } from './yaml/variables.ts'

/** Which settings file applies: `--config`, else SLUICE_CONFIG, else ./sluice.yaml, else config/dev.yaml. Absolute. */
export function findSettingsFile(named: string | null, env: Environment, cwd: string): string {
  if (named !== null) return existing(path.resolve(cwd, named), '--config')
  const fromEnv = env['SLUICE_CONFIG']
  if (fromEnv !== undefined && fromEnv !== '') return existing(path.resolve(cwd, fromEnv), 'SLUICE_CONFIG')
  for (const candidate of ['sluice.yaml', path.join('config', 'dev.yaml')]) {
    const file = path.resolve(cwd, candidate)
    if (existsSync(file)) return file
  }
  throw new SluiceError(
    'FILE_UNREADABLE',
    `no settings were found: neither sluice.yaml nor config/dev.yaml is in ${cwd}`,
    {
      hint: 'Name a file with --config or SLUICE_CONFIG; `sluice config example files` prints one to begin with.',
    },
  )
}

function existing(file: string, named: string): string {
  if (existsSync(file)) return file
  throw new SluiceError('FILE_UNREADABLE', `the settings file ${file}, named by ${named}, does not exist`, {
    where: { file },
  })
}
