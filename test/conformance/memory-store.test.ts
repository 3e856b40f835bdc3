import { MemoryStore } from './memory-store.ts'
import { objectStoreConformance } from './object-store.ts'

objectStoreConformance('the double', async () => {
  const store = new MemoryStore()
  return { store, reopen: async () => store, cleanup: async () => undefined }
})
