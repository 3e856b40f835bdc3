/** What a section of a process cost, all its threads together. */
export interface Counted {
  readonly wallSeconds: number
  readonly cpuSeconds: number
}

export async function counted(section: () => Promise<void>): Promise<Counted> {
  const before = process.cpuUsage()
  const startedMs = performance.now()
  await section()
  const { user, system } = process.cpuUsage(before)
  return { wallSeconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 }
}

/** One line of JSON: what the parent reads. */
export async function printMeasured(rows: number, section: Counted | Promise<Counted>): Promise<void> {
  process.stdout.write(
    `${JSON.stringify({ rows, ...(await section), peakBytes: process.resourceUsage().maxRSS * 1024 })}\n`,
  )
}
