/** Preloaded into the real program: it does not outlive the test that started it, also where that was killed. */
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 500).unref()
