import type { DomainEvent, JobEnd, JobStage } from '../../domain/events.ts'
import type { Settings } from '../../domain/settings.ts'
import { errorFacet, jobTypeFacet, parentFacet, traceFacet, type Facet } from './facets.ts'
import { JobDatasets } from './job-datasets.ts'
import { runEvent, type RunEvent } from './run-event.ts'

export interface BookOptions {
  readonly settings: Settings
  readonly namespace: string
  readonly newId: () => string
}

interface OpenRun {
  readonly runId: string
  readonly job: string
  readonly jobType: string
  readonly processing: 'BATCH' | 'SERVICE'
  readonly startedMs: number
  readonly trace: { readonly runId: string; readonly traceId: string }
  readonly parent: OpenRun | null
  readonly datasets: JobDatasets
  /** START was told. */
  told: boolean
}

const SERVICES = new Set(['up'])

/**
 * Domain events as OpenLineage events: the verb is a run, each job in it is a run whose parent it is; what a verb does
 * outside any job (redrive, restore, …) is told of the verb's own run. Holds what is open, no more.
 *
 * A verb that stays (`up`) looks for work again and again: a job of it that finds nothing is not told.
 */
export class LineageBook {
  readonly #options: BookOptions
  readonly #jobs = new Map<string, OpenRun>()
  #verb: OpenRun | null = null

  constructor(options: BookOptions) {
    this.#options = options
  }

  /** The events that this one brings about, in order. */
  take(event: DomainEvent, nowMs: number): RunEvent[] {
    switch (event.type) {
      case 'run.started':
        this.#verb = this.#open(event, { nowMs, runId: event.runId, job: event.verb, jobType: 'COMMAND' })
        return this.#start(this.#verb)
      case 'job.started': {
        const run = this.#open(event, {
          nowMs,
          runId: this.#jobRunId(event),
          job: event.jobName,
          jobType: JOB_TYPES[event.stage],
        })
        run.datasets.expect(event.inputs, event.outputs)
        this.#jobs.set(keyOf(event), run)
        return this.#isService ? [] : this.#start(run)
      }
      case 'dataset.read': {
        const { run, started } = this.#busy(event)
        run?.datasets.read(event)
        return started
      }
      case 'dataset.written': {
        const { run, started } = this.#busy(event)
        run?.datasets.written(event)
        return started
      }
      case 'commit.done': {
        const { run, started } = this.#busy(event)
        run?.datasets.committed(event.table, event.version)
        return started
      }
      case 'gate.judged': {
        const { run, started } = this.#busy(event)
        run?.datasets.judged(event.model, event.assertions)
        return started
      }
      case 'job.ended':
        return this.#endJob(event, event, nowMs)
      case 'run.ended':
        return this.#endVerb(event.exitCode, nowMs)
      default:
        return []
    }
  }

  get #isService(): boolean {
    return this.#verb?.processing === 'SERVICE'
  }

  /** What reads or ingests has a run of its own in `up` and keeps its id; a build is one run of many jobs. */
  #jobRunId({ runId, stage }: DomainEvent & { readonly stage: JobStage }): string {
    const isOwn = (stage === 'connect' || stage === 'ingest') && this.#verb !== null && runId !== this.#verb.runId
    return isOwn ? runId : this.#options.newId()
  }

  #open(
    { traceId, runId }: DomainEvent,
    about: { readonly nowMs: number; readonly runId: string; readonly job: string; readonly jobType: string },
  ): OpenRun {
    return {
      runId: about.runId,
      job: about.job,
      jobType: about.jobType,
      processing: SERVICES.has(about.job) ? 'SERVICE' : 'BATCH',
      startedMs: about.nowMs,
      trace: { runId, traceId },
      parent: about.runId === this.#verb?.runId || about.jobType === 'COMMAND' ? null : this.#verb,
      datasets: new JobDatasets(),
      told: false,
    }
  }

  /** The run that an event belongs to; it has work, so its START is told now at the latest. */
  #busy(event: DomainEvent): { readonly run: OpenRun | null; readonly started: RunEvent[] } {
    const run = this.#jobs.get(keyOf(event)) ?? this.#verb
    return { run, started: run === null ? [] : this.#start(run) }
  }

  #start(run: OpenRun): RunEvent[] {
    if (run.told) return []
    run.told = true
    return [this.#event(run, 'START', run.startedMs, {})]
  }

  #endJob(event: DomainEvent & { readonly idle: boolean }, end: JobEnd, nowMs: number): RunEvent[] {
    const run = this.#jobs.get(keyOf(event))
    if (run === undefined) return []
    this.#jobs.delete(keyOf(event))
    if (event.idle && !run.told) return []
    const facets: Record<string, Facet> =
      end.outcome === 'failed' ? { errorMessage: errorFacet(end.code, end.message) } : {}
    return [...this.#start(run), this.#event(run, END_TYPES[end.outcome], nowMs, facets)]
  }

  #endVerb(exitCode: number, nowMs: number): RunEvent[] {
    const run = this.#verb
    if (run === null) return []
    // A job whose end was not told ended with its verb.
    const left = [...this.#jobs.values()].filter(({ told }) => told)
    this.#jobs.clear()
    this.#verb = null
    const type = exitCode <= 1 ? 'COMPLETE' : exitCode > 128 ? 'ABORT' : 'FAIL'
    const facets: Record<string, Facet> =
      type === 'FAIL' ? { errorMessage: errorFacet('EXIT', `${run.job} ended with exit ${exitCode}`) } : {}
    return [...left.map((job) => this.#event(job, 'ABORT', nowMs, {})), this.#event(run, type, nowMs, facets)]
  }

  #event(
    { runId, job, jobType, processing, trace, parent, datasets }: OpenRun,
    eventType: RunEvent['eventType'],
    atMs: number,
    facets: Readonly<Record<string, Facet>>,
  ): RunEvent {
    const { settings, namespace } = this.#options
    const above: Record<string, Facet> =
      parent === null ? {} : { parent: parentFacet({ runId: parent.runId, namespace, name: parent.job }) }
    return runEvent({
      eventType,
      atMs,
      run: { runId, facets: { ...above, sluice_trace: traceFacet(trace), ...facets } },
      job: { namespace, name: job, facets: { jobType: jobTypeFacet(jobType, processing) } },
      inputs: datasets.inputs(settings),
      outputs: datasets.outputs(settings),
    })
  }
}

const JOB_TYPES = { connect: 'CONNECT', ingest: 'INGEST', build: 'MODEL', gate: 'GATE' } as const
const END_TYPES = { completed: 'COMPLETE', interrupted: 'ABORT', failed: 'FAIL' } as const

/** Jobs of one name follow one another within a run; in `up` each micro-batch has a run of its own. */
function keyOf({ runId, jobName }: DomainEvent): string {
  return `${runId} ${jobName}`
}
