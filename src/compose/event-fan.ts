import { channel } from 'node:diagnostics_channel'
import type { DomainEvent } from '../domain/events.ts'
import type { EventSink } from '../ports/event-sink.ts'

/** Every domain event also goes to this channel, for tools that watch a process from within. Costs nothing unheard. */
export const EVENT_CHANNEL = 'sluice:event'

/** Hands each event to every listener; one that throws loses its event and disturbs nobody. */
export function fanEvents(listeners: readonly EventSink[]): EventSink {
  const watched = channel(EVENT_CHANNEL)
  return {
    emit(event: DomainEvent) {
      if (watched.hasSubscribers) watched.publish(event)
      for (const listener of listeners) {
        try {
          listener.emit(event)
        } catch {
          // A listener's failure is its own: the flow must not stop because a log line could not be written.
        }
      }
    },
  }
}
