import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { REPOSITORY } from '../../support/sluice.ts'

/** OpenLineage's own JSON Schema, beside the repository. */
const CORPUS = join(REPOSITORY, '../shared/corpora/openlineage')

export const NO_CORPUS = existsSync(CORPUS) ? false : 'the corpus openlineage is not beside the repository'

interface Judged {
  readonly event: string
  readonly problems: string
}

/** Problems of events against the schema of a run event, and of each facet against its own; none is an empty list. */
export function openLineageProblems(events: readonly unknown[]): Judged[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(JSON.parse(readFileSync(join(CORPUS, 'OpenLineage.json'), 'utf8')) as object)
  const facetSchemas = new Map<string, string>()
  for (const file of readdirSync(join(CORPUS, 'facets')).filter((name) => name.endsWith('.json'))) {
    const schema = JSON.parse(readFileSync(join(CORPUS, 'facets', file), 'utf8')) as {
      $id: string
      properties?: Record<string, { $ref?: string }>
    }
    ajv.addSchema(schema)
    for (const name of Object.keys(schema.properties ?? {})) facetSchemas.set(name, schema.$id)
  }
  const spec = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs'
  const problems: Judged[] = []
  const judge = (schema: string, value: unknown, name: string): void => {
    if (!ajv.validate({ $ref: schema }, value)) problems.push({ event: name, problems: ajv.errorsText() })
  }
  for (const event of events as { job: { name: string }; eventType: string }[]) {
    const name = `${event.eventType} ${event.job.name}`
    judge(`${spec}/RunEvent`, event, name)
    for (const [facet, value] of facetsOf(event)) {
      const schema = facetSchemas.get(facet)
      if (schema === undefined) {
        if (!facet.startsWith('sluice_')) problems.push({ event: name, problems: `${facet} is no facet` })
        judge(`${spec}/BaseFacet`, value, `${name}: ${facet}`)
      } else judge(schema, { [facet]: value }, `${name}: ${facet}`)
    }
  }
  return problems
}

function facetsOf(value: unknown): [string, unknown][] {
  if (value === null || typeof value !== 'object') return []
  if (Array.isArray(value)) return value.flatMap(facetsOf)
  return Object.entries(value).flatMap(([key, below]) =>
    /^(facets|inputFacets|outputFacets)$/.test(key) ? Object.entries(below as object) : facetsOf(below),
  )
}
