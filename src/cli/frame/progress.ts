import type { DomainEvent } from '../../domain/events.ts'
import type { EventSink } from '../../ports/event-sink.ts'
import type { Printer } from '../printer.ts'

/** Long work as people follow it: the milestones of the flow as plain lines on stderr. */
export function createProgressListener(printer: Printer): EventSink {
  return {
    emit(event) {
      const text = describeMilestone(event)
      if (text !== null) printer.step(text)
    },
  }
}

function describeMilestone(event: DomainEvent): string | null {
  switch (event.type) {
    case 'flush.done': {
      const parts = [`${event.landed} landed`, `${event.quarantined} quarantined`]
      if (event.skipped > 0) parts.push(`${event.skipped} skipped`)
      return `${event.table}: ${parts.join(', ')}, version ${event.version} (${seconds(event.ms)})`
    }
    case 'model.done':
      return `${event.model}: ${event.outcome}, ${event.rows} rows (${seconds(event.ms)})`
    case 'part.paused':
      return `${event.kind} ${event.name} is paused${event.reason === '' ? '' : `: ${event.reason}`}`
    default:
      return null
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
