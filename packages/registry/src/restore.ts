/** @secreg/registry/restore: making and verifying a store where no registry has it open. */

export { internalCaller } from './internal-caller.ts'
export { SEAL_KEY } from './keys.ts'
export { type RestoreOptions, restoredRevision, restoredRows } from './restore/restored-rows.ts'
export { type StoreReport, verifyStore } from './restore/verify-store.ts'
export type { ValuesReport } from './restore/verify-values.ts'
export { rowCheckOf } from './row-guard.ts'
export { type Opened, openWith } from './seal/credential.ts'
export { decodeHeader } from './seal-row.ts'
