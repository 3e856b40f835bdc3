/**
 * Where a source's watermark is published for others to read. Never the truth (I9): it has no conditional write, and it
 * is written after the append that it tells of.
 */
export interface WatermarkMirror {
  publish(name: string, text: string): Promise<void>
  /** Null where nothing was published. */
  read(name: string): Promise<string | null>
}
