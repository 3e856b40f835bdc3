import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { keptFolder, Missing } from './cache.ts'

/** Java programs out of Maven's repository, kept under the user's cache folder. */

const OLDEST_JAVA = 17

const run = promisify(execFile)

/** `group:artifact:version`, with `:alone` without what it needs, or `group:artifact:version:packaging:classifier`. */
export type Coordinates = string

/** The folder that holds the artifacts and all that they need at run time. Throws `Missing`. */
export async function mavenLibraries(name: string, artifacts: readonly Coordinates[]): Promise<string> {
  await findJava()
  return keptFolder(name, artifacts, async (fresh) => {
    await writeFile(join(fresh, 'pom.xml'), pom(artifacts))
    await maven(
      ['dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime'],
      fresh,
      artifacts.join(', '),
    )
  })
}

/** The folder that an archive was unpacked to. Throws `Missing`. */
export async function mavenArchive(name: string, artifact: Coordinates): Promise<string> {
  await findJava()
  return keptFolder(name, [artifact], async (fresh) => {
    await maven(['dependency:copy', `-Dartifact=${artifact}`, '-DoutputDirectory=.'], fresh, artifact)
    await run('sh', ['-c', 'tar xzf *.tar.gz && rm *.tar.gz'], { cwd: fresh })
  })
}

/** Throws `Missing` where there is no Java, or an old one. */
export async function findJava(): Promise<void> {
  const { stderr } = await run('java', ['-version']).catch(() => ({ stderr: '' }))
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0)
  if (major >= OLDEST_JAVA) return
  throw new Missing(`needs Java ${OLDEST_JAVA} or newer: ${major === 0 ? 'java is not there' : `java is ${major}`}`)
}

async function maven(goals: readonly string[], cwd: string, wanted: string): Promise<void> {
  try {
    await run('mvn', ['-q', '-B', ...goals], { cwd })
  } catch (error) {
    const failure = error as { readonly code?: unknown; readonly stdout?: string }
    const why = failure.code === 'ENOENT' ? 'mvn is not there' : (failure.stdout ?? '').trim().split('\n')[0]
    throw new Missing(`needs ${wanted} from Maven: ${why}`, { cause: error })
  }
}

function pom(artifacts: readonly Coordinates[]): string {
  const dependencies = artifacts.map((coordinates) => {
    const [group, artifact, version, more] = coordinates.split(':')
    const none =
      more === 'alone'
        ? '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
        : ''
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${none}</dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>sluice.test</groupId><artifactId>libraries</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`
}
