export type { KeyShareStore, StoreBatch, StoreWrite } from './key-share-store.js'
export { MemoryStore } from './memory-store.js'
