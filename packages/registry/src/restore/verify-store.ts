/** Everything that can be checked about a store that no registry has open, given its root key. */
import type { SealHeader } from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'
import type { Engine, ScrubFinding } from '@secreg/storage'
import { KeyState } from '../key-state.ts'
import { IDENTITY_SPACES, SEAL_KEY } from '../keys.ts'
import { decodeHeader } from '../seal-row.ts'
import { type ValuesReport, verifyValues } from './verify-values.ts'

/** What was found; nothing is wrong when there are neither findings nor unreadable values. */
export interface StoreReport extends ValuesReport {
  readonly rows: number
  readonly findings: readonly ScrubFinding[]
  readonly header: SealHeader
}

/**
 * Read all files, rows and values of a store under its root key. Nothing is written.
 *
 * @param engine - open, and used by nobody else; left open without a check
 * @param rootKey - 32 bytes, left as they are
 * @throws SecregError `ERR_STORAGE_CORRUPT`; StorageError; CryptoError `ERR_CRYPTO_DAMAGED` when the store is of another
 *   root key
 */
export async function verifyStore(engine: Engine, rootKey: Uint8Array): Promise<StoreReport> {
  const row = await engine.get(SEAL_KEY)
  if (row === undefined) throw new SecregError('STORAGE_CORRUPT', 'the seal header is missing')
  const header = decodeHeader(row)
  const keys = new KeyState(engine, header, () => false)
  try {
    keys.prepare(header, Uint8Array.from(rootKey))
    keys.activate()
    await engine.verifyGuarded(IDENTITY_SPACES)
    const { rows, findings } = await engine.scrub()
    return { header, rows, findings, ...(await verifyValues({ engine, keys })) }
  } finally {
    keys.lock()
  }
}
