import { link, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { SluiceError } from '../../domain/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { CompatibilityMode, RegisteredSchema, SchemaText } from '../../ports/schema-registry.ts'

/**
 * The folder of an embedded registry: `ids/<id>.json` (content), `subjects/<subject>/<version>.json`, and
 * `subjects/<subject>/compatibility`. A file appears whole or not at all and is durable once its call returned
 * (temporary file, fsync, link, fsync of the folder); temporary files are left by crashes only and are never read.
 */
export interface RegistryFiles {
  readContent(id: number): Promise<SchemaText | null>
  /** False where the id is taken. */
  linkContent(id: number, schema: SchemaText): Promise<boolean>
  readVersion(subject: string, version: number): Promise<RegisteredSchema | null>
  linkVersion(schema: RegisteredSchema): Promise<boolean>
  /** Ascending. */
  listVersions(subject: string): Promise<number[]>
  listSubjects(): Promise<string[]>
  readMode(subject: string): Promise<CompatibilityMode | null>
  writeMode(subject: string, mode: CompatibilityMode): Promise<void>
}

const VERSION_FILE = /^([1-9][0-9]{0,8})\.json$/

export async function openRegistryFiles(dir: string, clock: Pick<Clock, 'newId'>): Promise<RegistryFiles> {
  const ids = join(dir, 'ids')
  const subjects = join(dir, 'subjects')
  await guarded(dir, async () => {
    await mkdir(ids, { recursive: true })
    await mkdir(subjects, { recursive: true })
  })

  const writeTemporary = async (folder: string, text: string): Promise<string> => {
    const path = join(folder, `.${clock.newId()}.tmp`)
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(text, 'utf8')
      await handle.sync()
    } finally {
      await handle.close()
    }
    return path
  }
  const putIfAbsent = (folder: string, name: string, text: string): Promise<boolean> =>
    guarded(dir, async () => {
      await mkdir(folder, { recursive: true })
      const temporary = await writeTemporary(folder, text)
      try {
        await link(temporary, join(folder, name))
        return true
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return false
        throw error
      } finally {
        await unlink(temporary)
        await syncFolder(folder)
        await syncFolder(join(folder, '..'))
      }
    })
  const read = (path: string): Promise<string | null> =>
    guarded(dir, async () => {
      try {
        return await readFile(path, 'utf8')
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null
        throw error
      }
    })
  const list = (folder: string): Promise<string[]> =>
    guarded(dir, async () => {
      try {
        return await readdir(folder)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return []
        throw error
      }
    })
  const versionsIn = async (subject: string): Promise<number[]> =>
    (await list(join(subjects, subject)))
      .map((name) => Number(VERSION_FILE.exec(name)?.[1] ?? 0))
      .filter((version) => version > 0)
      .sort((a, b) => a - b)

  return {
    async readContent(id) {
      const path = join(ids, `${id}.json`)
      const text = await read(path)
      return text === null ? null : (parseStored(text, path) as unknown as SchemaText)
    },
    linkContent: (id, { format, text }) => putIfAbsent(ids, `${id}.json`, JSON.stringify({ format, text })),
    async readVersion(subject, version) {
      const path = join(subjects, subject, `${version}.json`)
      const text = await read(path)
      return text === null ? null : (parseStored(text, path) as unknown as RegisteredSchema)
    },
    linkVersion: (schema) =>
      putIfAbsent(join(subjects, schema.subject), `${schema.version}.json`, JSON.stringify(schema)),
    listVersions: versionsIn,
    async listSubjects() {
      const names = (await list(subjects)).filter((name) => !name.startsWith('.')).sort()
      const held = await Promise.all(names.map(async (name) => ((await versionsIn(name)).length > 0 ? [name] : [])))
      return held.flat()
    },
    async readMode(subject) {
      return (await read(join(subjects, subject, 'compatibility'))) as CompatibilityMode | null
    },
    writeMode: (subject, mode) =>
      guarded(dir, async () => {
        const folder = join(subjects, subject)
        await mkdir(folder, { recursive: true })
        await rename(await writeTemporary(folder, mode), join(folder, 'compatibility'))
        await syncFolder(folder)
      }),
  }
}

function parseStored(text: string, path: string): { readonly [key: string]: unknown } {
  try {
    return JSON.parse(text) as { readonly [key: string]: unknown }
  } catch (error) {
    throw new SluiceError('REGISTRY_UNAVAILABLE', `${path} is damaged: it is no JSON document`, {
      where: { file: path },
      hint: 'Restore the registry folder from a copy.',
      cause: error,
    })
  }
}

async function guarded<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SluiceError) throw error
    const code = errorCode(error) === 'ENOSPC' || errorCode(error) === 'EDQUOT' ? 'DISK_FULL' : 'REGISTRY_UNAVAILABLE'
    const message = error instanceof Error ? error.message : String(error)
    throw new SluiceError(code, `the embedded registry in ${dir} failed: ${message}`, { cause: error })
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}
