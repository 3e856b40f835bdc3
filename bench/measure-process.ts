import { writeFileSync } from 'node:fs'

/** Preloaded into a measured process: what the kernel counted for it, written as it ends. */
process.on('exit', () => {
  const file = process.env['SLUICE_MEASURE']
  if (file === undefined) return
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  writeFileSync(file, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: maxRSS * 1024 }))
})
