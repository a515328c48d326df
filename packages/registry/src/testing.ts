/** A registry in memory for tests of whatever stands on it; fast, with real keys and a real log. */
import { type LogFiles, openLog } from '@secreg/audit'
import { createMemoryFiles } from '@secreg/audit/testing'
import type { Scrypt, ScryptParams } from '@secreg/crypto'
import type { Caller } from '@secreg/protocol'
import { type Engine, MemoryEngine } from '@secreg/storage'
import { type OpenedRegistry, type OpenRegistryOptions, openRegistry } from './open-registry.ts'

/** The administrator whom {@link initializeTestRegistry} makes. */
export const TEST_ADMIN: Readonly<{ passphrase: string; admin: string; admin_password: string }> =
  Object.freeze({
    passphrase: 'a passphrase for tests only',
    admin: 'root',
    admin_password: 'Correct-Horse-Battery-9',
  })

/** Least cost that the crypto package accepts. */
export const TEST_SCRYPT: ScryptParams = Object.freeze({ N: 32768, r: 8, p: 1 })

export interface TestRegistryOptions extends Partial<Omit<OpenRegistryOptions, 'openLog'>> {
  readonly scrypt: Scrypt
  readonly files?: LogFiles
  readonly logDirectory?: string
  /** How long a written line may wait for its sync, milliseconds; default that of the log. */
  readonly syncIntervalMs?: number
  /** Size of a segment of the log; default that of the log. */
  readonly segmentBytes?: number
}

/** Open a registry on a memory engine and a log in memory, unless others are given. */
export function openTestRegistry(options: TestRegistryOptions): Promise<OpenedRegistry> {
  const { files = createMemoryFiles(), logDirectory = '/log', ...others } = options
  const { syncIntervalMs, segmentBytes, ...rest } = others
  const engine: Engine = options.engine ?? new MemoryEngine()
  return openRegistry({
    scryptParams: TEST_SCRYPT,
    settings: { requireMfa: false, sealedReads: true, encryptPrefixes: [] },
    version: '0.0.0-test',
    ...rest,
    engine,
    openLog: (cursor, terms) =>
      openLog({
        directory: logDirectory,
        files,
        terms,
        ...(segmentBytes === undefined ? {} : { segmentBytes }),
        ...(cursor === undefined ? {} : { cursor }),
        ...(syncIntervalMs === undefined ? {} : { syncIntervalMs }),
      }),
  })
}

/** Initialise it and log its administrator in. */
export async function initializeTestRegistry({ registry }: OpenedRegistry): Promise<Caller> {
  const peer = { door: 'registry', address: 'test' } as const
  await registry.initialize(peer, { op: 'init', ...TEST_ADMIN })
  return loginTestUser({ registry }, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
}

/** Log in and return the caller. */
export async function loginTestUser(
  { registry }: Pick<OpenedRegistry, 'registry'>,
  username: string,
  password: string,
): Promise<Caller> {
  const peer = { door: 'registry', address: 'test' } as const
  const answer = await registry.login(peer, { username, password })
  const session = registry.sessionHandle().resolve(answer.session_id ?? '')
  const caller = session === undefined ? undefined : registry.callerOf(session, peer)
  if (caller === undefined) throw new Error(`login failed: ${answer.error?.message}`)
  return caller
}
