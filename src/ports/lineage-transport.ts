/** Carries OpenLineage events to whoever collects them. */
export interface LineageTransport {
  /** JSON texts, in order. A rejection means that some may not have arrived; sending them again is harmless. */
  send(events: readonly string[], signal: AbortSignal): Promise<void>
}
