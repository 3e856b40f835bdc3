import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Settings } from '../../../domain/settings.ts'
import { fail, look, ok, warn, type Check, type Finding } from '../../../operate/doctor/check.ts'
import { examine } from '../../../operate/doctor/examine.ts'
import { escapeControls } from '../../format-table.ts'
import type { Verb, VerbCall } from '../../verb.ts'

const OLDEST_NODE = 24
const FREE_WARN_BYTES = 2 * 1024 ** 3
const FREE_FAIL_BYTES = 200 * 1024 ** 2

export const doctorVerb: Verb = {
  positionals: [],
  flags: [],
  notes: [
    'Each line is ok, warn or FAIL, with its cure. Exit 1 if a check fails.',
    'Changes nothing but a probe, which it removes.',
  ],
  async run(call) {
    const checks = await allChecks(call)
    const healthy = checks.every(({ level }) => level !== 'fail')
    call.print.result(
      {
        ok: healthy,
        checks: checks.map(({ name, level, detail, cure }) => ({ name, ok: level !== 'fail', level, detail, cure })),
      },
      () => checks.map(checkText).join('\n'),
    )
    return healthy ? 0 : 1
  },
}

async function allChecks(call: VerbCall): Promise<Check[]> {
  const runtime = await look('runtime', () => judgeRuntime(process.versions.node, process.execPath))
  let settings: Settings | null = null
  const settingsCheck = await look('settings', () => {
    settings = call.settings()
    return ok(settings.file)
  })
  const known = settings as Settings | null
  if (known === null) return [runtime, settingsCheck]
  const disk = await look('disk', () =>
    checkDisk(known.lake.uri.startsWith('s3:') ? known.lake.workDir : known.lake.uri),
  )
  try {
    return [runtime, settingsCheck, disk, ...(await examine(await call.world()))]
  } catch (error) {
    // What cannot be opened hides the rest.
    const project = await look('project', () => {
      throw error
    })
    return [runtime, settingsCheck, disk, project]
  }
}

/** Pure. */
export function judgeRuntime(version: string, execPath: string): Finding {
  if (Number.parseInt(version, 10) < OLDEST_NODE) {
    return fail(`Node ${version}; Sluice needs ${OLDEST_NODE} or newer`, 'Run `npm ci`: it brings the pinned Node.')
  }
  return ok(`Node ${version}, ${/[\\/]node_modules[\\/]/.test(execPath) ? 'the pinned one' : "the system's own"}`)
}

/** Free room where the lake, or what is kept of it here, is or will be. */
async function checkDisk(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statNearest(folder)
  return judgeDisk(folder, bavail * bsize)
}

/** Pure. */
export function judgeDisk(folder: string, freeBytes: number): Finding {
  const free = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free at ${folder}`
  if (freeBytes < FREE_FAIL_BYTES) return fail(free, 'Free room, or put the lake on another disk.')
  return freeBytes < FREE_WARN_BYTES ? warn(free, 'Free some room soon.') : ok(free)
}

async function statNearest(folder: string): Promise<{ readonly bavail: number; readonly bsize: number }> {
  try {
    return await statfs(folder)
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!absent || dirname(folder) === folder) throw error
    return statNearest(dirname(folder))
  }
}

function checkText({ name, level, detail, cure }: Check): string {
  const head = `${(level === 'fail' ? 'FAIL' : level).padEnd(4)}  ${name.padEnd(13)}  ${escapeControls(detail)}`
  return cure === null ? head : `${head}\n${' '.repeat(21)}do: ${escapeControls(cure)}`
}
