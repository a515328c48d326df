/** @secreg/crypto/node: the fast backend, scrypt workers, and what reads files. */
export { readKeyFile, readSystemdCredential } from './node/key-file.ts'
export { nodeBackend } from './node/node-backend.ts'
export { createRowCheck, ROW_TAG_BYTES, type RowCheck } from './node/row-check.ts'
export {
  createScryptPool,
  SCRYPT_POOL_DEFAULTS,
  type ScryptPool,
  type ScryptPoolOptions,
} from './node/scrypt-pool.ts'
