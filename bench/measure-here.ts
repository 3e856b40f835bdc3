/** CPU microseconds of this process, user and system, that `work` takes. */
export async function measureHere(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
