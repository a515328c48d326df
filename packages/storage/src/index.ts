export { inspectStore, STORE_FORMAT, type StoreFormat } from './directory.ts'
export * from './engine.ts'
export {
  isStorageError,
  PreconditionError,
  StorageError,
  type StorageErrorCode,
  StoreFormatError,
} from './errors.ts'
export { compareKeys } from './keys.ts'
export { LevelEngine } from './level-engine.ts'
export { LEVEL_ENGINE_DEFAULTS, type LevelEngineOptions } from './level-options.ts'
export { type LoadedStore, type LoadStoreOptions, loadStore } from './load-store.ts'
export { MemoryEngine } from './memory-engine.ts'
export {
  type MigrateStoreOptions,
  migrateStore,
  type ReadUnverified,
  type StoreMigration,
} from './migrate-store.ts'
export { VolatileOverlay } from './volatile-overlay.ts'
