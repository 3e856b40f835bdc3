import { PRODUCER, type Facets } from './facets.ts'

/** One OpenLineage event about a run of a job. */
export interface RunEvent {
  readonly eventType: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'
  readonly eventTime: string
  readonly producer: string
  readonly schemaURL: string
  readonly run: { readonly runId: string; readonly facets: Facets }
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets }
  readonly inputs: readonly EventDataset[]
  readonly outputs: readonly EventDataset[]
}

export interface EventDataset {
  readonly namespace: string
  readonly name: string
  readonly facets: Facets
  readonly inputFacets?: Facets
  readonly outputFacets?: Facets
}

export type RunFacts = Pick<RunEvent, 'eventType' | 'run' | 'job' | 'inputs' | 'outputs'> & { readonly atMs: number }

export function runEvent({ atMs, ...facts }: RunFacts): RunEvent {
  return {
    eventType: facts.eventType,
    eventTime: new Date(atMs).toISOString(),
    producer: PRODUCER,
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: facts.run,
    job: facts.job,
    inputs: facts.inputs,
    outputs: facts.outputs,
  }
}
