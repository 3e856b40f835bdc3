import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { SluiceError } from '../domain/errors.ts'
import { checkName } from '../domain/identifier.ts'
import type { Proposal } from '../domain/proposal.ts'

export interface ProposalRequest {
  /** `paths.schemas`; one that does not exist holds nothing. */
  readonly folder: string
  /** Files, or subjects of the folder; none means the whole folder. */
  readonly named: readonly string[]
  /** What relative files are relative to. */
  readonly cwd: string
}

const SUFFIXES = [
  { suffix: '.avsc', format: 'avro' },
  { suffix: '.schema.json', format: 'json' },
] as const

/** In the order named, else by subject. Files whose names end otherwise are not looked at. */
export async function readProposals({ folder, named, cwd }: ProposalRequest): Promise<Proposal[]> {
  const found = named.length === 0 || named.some((name) => formatOf(name) === null) ? await listFolder(folder) : []
  if (named.length === 0) return Promise.all(distinct(found).map(readProposal))
  return Promise.all(
    named.map((name) => readProposal(formatOf(name) === null ? inFolder(name, found, folder) : resolve(cwd, name))),
  )
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder)
    return names
      .filter((name) => formatOf(name) !== null && !name.startsWith('.'))
      .sort()
      .map((name) => join(folder, name))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw unreadable(folder, error)
  }
}

async function readProposal(file: string): Promise<Proposal> {
  const known = formatOf(file)!
  const subject = checkName(subjectOf(file), 'subject')
  try {
    return { subject, file, format: known.format, text: await readFile(file, 'utf8') }
  } catch (error) {
    throw unreadable(file, error)
  }
}

function inFolder(name: string, files: readonly string[], folder: string): string {
  const file = distinct(files).find((each) => subjectOf(each) === name)
  if (file !== undefined) return file
  throw new SluiceError(
    'SUBJECT_UNKNOWN',
    `${JSON.stringify(name)} is no schema file, and ${folder} holds none for a subject of that name`,
    {
      where: { subject: name },
      hint: `Name a file that ends in .avsc or .schema.json, or put one in ${folder}.`,
    },
  )
}

function distinct(files: readonly string[]): readonly string[] {
  const bySubject = new Map<string, string>()
  for (const file of files) {
    const other = bySubject.get(subjectOf(file))
    if (other !== undefined) {
      throw new SluiceError('CONTRACT_INVALID', `subject ${subjectOf(file)} has two schemas: ${other} and ${file}`, {
        where: { file },
      })
    }
    bySubject.set(subjectOf(file), file)
  }
  return files
}

function subjectOf(file: string): string {
  return basename(file).slice(0, -formatOf(file)!.suffix.length)
}

function formatOf(name: string): (typeof SUFFIXES)[number] | null {
  return SUFFIXES.find(({ suffix }) => name.endsWith(suffix)) ?? null
}

function unreadable(file: string, error: unknown): SluiceError {
  const reason = error instanceof Error ? error.message : String(error)
  return new SluiceError('FILE_UNREADABLE', `${file} cannot be read: ${reason}`, { where: { file }, cause: error })
}
