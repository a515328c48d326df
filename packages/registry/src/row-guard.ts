/** The keyed check over rows (DESIGN §5, §6), and which rows it guards beyond that. */
import { deriveSubkey, wipe } from '@secreg/crypto'
import { createRowCheck, nodeBackend } from '@secreg/crypto/node'
import type { RowCheck } from '@secreg/storage'
import { IDENTITY_SPACES } from './keys.ts'

const GUARDED: ReadonlySet<string> = new Set(IDENTITY_SPACES.map(({ gte }) => gte))

/**
 * The check under a root key.
 *
 * @param root - 32 bytes, left as they are
 */
export function rowCheckOf(root: Uint8Array): RowCheck {
  const key = deriveSubkey(root, 'row-check', nodeBackend)
  try {
    const check = { ...createRowCheck(key), guards: isGuarded }
    return check
  } finally {
    wipe(key)
  }
}

/** Whether a row authorises something: these are verified as a whole before anything rests on them. */
export function isGuarded(key: string): boolean {
  return GUARDED.has(key.slice(0, 2))
}
