import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { inferContract } from '../../../contract/infer/infer-contract.ts'
import { SluiceError } from '../../../domain/errors.ts'
import type { JsonValue } from '../../../domain/dead-letter.ts'
import { breakRow, firstRow } from '../../project/bad-row.ts'
import { SAMPLE_BAD, SAMPLE_NAME, SAMPLE_ROWS, SAMPLE_RULE } from '../../project/built-in-sample.ts'
import { projectFiles } from '../../project/project-files.ts'
import { declaredColumns, lookAtFile, sourceOf, withFile, type SourceFile } from '../../project/source-file.ts'
import type { Verb, VerbCall } from '../../verb.ts'
import { recordName, told } from '../contract/infer.ts'

/** A project of one's own that runs at once. */
export const initVerb: Verb = {
  positionals: [{ name: 'DIR', meaning: 'a new or empty folder', required: true }],
  flags: [
    {
      name: 'from',
      type: 'text',
      value: 'FILE',
      meaning: 'data to begin with: CSV or JSON lines, also .gz, or Parquet; it is copied',
    },
  ],
  notes: [
    'Writes sluice.yaml, schemas/, models/, dq.yaml, data/ with one more row that is refused (README.md says why), README.md and .gitignore. Then: cd DIR && sluice run.',
  ],
  async run(call) {
    const { positionals, flags, print, cwd } = call
    const folder = resolve(cwd, positionals[0]!)
    const from = flags.text('from')
    const given = from === null ? null : await lookAtFile(resolve(cwd, from))
    await checkEmpty(folder)
    const isNew = await makeFolder(join(folder, 'data'))
    try {
      const written = await writeProject(call, { folder, given })
      const shown = relative(cwd, folder) === '' ? '.' : relative(cwd, folder)
      print.result(
        { dir: folder, files: written.files, table: written.table, key: written.key, refused: written.why },
        () =>
          [
            ...written.told,
            '',
            ...written.files.map((file) => `  ${join(shown, file)}`),
            '',
            `One row will be refused: ${written.why}. README.md tells more.`,
            `next: ${shown === '.' ? '' : `cd ${shown} && `}sluice run`,
          ].join('\n'),
      )
      return 0
    } catch (error) {
      // nothing was there before, so nothing of a half project stays
      if (isNew !== null) await rm(isNew, { recursive: true, force: true })
      throw error
    }
  },
}

interface Written {
  readonly files: readonly string[]
  readonly table: string
  readonly key: readonly string[] | null
  readonly why: string
  readonly told: readonly string[]
}

async function writeProject(
  call: VerbCall,
  { folder, given }: { readonly folder: string; readonly given: SourceFile | null },
): Promise<Written> {
  const dataFile = given === null ? SAMPLE_NAME : nameOf(given)
  const copy = join(folder, 'data', dataFile)
  if (given === null) await writeFile(copy, SAMPLE_ROWS)
  else await copyFile(given.path, copy)
  const file: SourceFile = { ...(await lookAtFile(copy)), ...(given === null ? {} : { table: given.table }) }
  const bench = await call.bench()
  const read = () => bench.connector(sourceOf(file)).read(new Map(), { signal: call.signal })
  const asked = { read, subject: `${file.table}-value`, name: recordName(file.table), maxRows: null }
  const draft = await withFile(given ?? file, async () =>
    inferContract({ ...asked, ...(await declaredColumns(bench, file)) }),
  )
  const sample = await firstRow(read)
  const header = (await headerOf(bench, file)) ?? sample.columns
  const isRenamed = header === sample.columns || header.some((name, index) => name !== sample.columns[index])
  const bad = breakRow({ file, draft, header, sample, ...(given === null ? { known: SAMPLE_BAD } : {}) })
  // an ending that the files connector knows, sorted after the data
  const badFile = `zz-one-bad-row.${file.format !== 'csv' ? 'jsonl' : dataFile.replace(/\.gz$/i, '').endsWith('.tsv') ? 'tsv' : 'csv'}`
  await writeFile(join(folder, 'data', badFile), bad.text)
  const texts = projectFiles({
    draft,
    file,
    dataFile,
    badFile,
    why: bad.why,
    isRenamed,
    rules: new Map<string, JsonValue>(given === null ? [[SAMPLE_RULE.column, SAMPLE_RULE.constraints]] : []),
    sealKey: draft.columns.some(({ pii }) => pii !== null) ? randomBytes(32).toString('base64url') : null,
  })
  for (const [path, text] of texts) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text, { mode: path === 'secrets.yaml' ? 0o600 : 0o644 })
  }
  const files = [...texts.keys(), `data/${dataFile}`, `data/${badFile}`].toSorted()
  return { files, table: file.table, key: draft.key, why: bad.why, told: told(draft) }
}

/** The columns as the file names them; null where it does not name each of them once. */
async function headerOf(
  bench: Awaited<ReturnType<VerbCall['bench']>>,
  file: SourceFile,
): Promise<readonly string[] | null> {
  const source = sourceOf(file)
  const plain = { ...source, options: { ...source.options, plain_names: false } }
  try {
    return (await firstRow(() => bench.connector(plain).read(new Map()))).columns
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SOURCE_UNREADABLE') return null
    throw error
  }
}

/** With an ending that the files connector knows. */
function nameOf({ path, format, gzip }: SourceFile): string {
  const name = basename(path)
  if (/\.((csv|tsv|jsonl|ndjson)(\.gz)?|parquet)$/i.test(name) && !name.startsWith('.')) return name
  const stem = name
    .replace(/\.gz$/i, '')
    .replace(/\.[^.]*$/, '')
    .replace(/^\.+/, '')
  return `${stem === '' ? 'data' : stem}.${format}${gzip ? '.gz' : ''}`
}

async function checkEmpty(folder: string): Promise<void> {
  let names: readonly string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    const reason = error instanceof Error ? error.message : String(error)
    throw new SluiceError('USAGE', `${folder} cannot be a project's folder: ${reason}`, { cause: error })
  }
  if (names.length === 0) return
  throw new SluiceError(
    'USAGE',
    `${folder} is not empty: it holds ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`,
    {
      hint: 'Name a new or empty folder.',
    },
  )
}

/** The topmost folder that this made; null where all were there. */
async function makeFolder(folder: string): Promise<string | null> {
  return (await mkdir(folder, { recursive: true })) ?? null
}
