import type { DomainEvent } from '../domain/events.ts'

/** Takes what happened. `emit` never throws and never blocks the flow; a listener's failure is its own. */
export interface EventSink {
  emit(event: DomainEvent): void
}
