/** Registries for tests: real keys, store and log, with a key derivation that costs nothing. */
import { scryptSync } from 'node:crypto'
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import type { Scrypt } from '@secreg/crypto'
import type { AuditBody, Caller, RegistryApi } from '@secreg/protocol'
import { auditBodySchema } from '@secreg/protocol/messages'
import {
  initializeTestRegistry,
  loginTestUser,
  openTestRegistry,
  TEST_ADMIN,
  type TestRegistryOptions,
} from '@secreg/registry/testing'
import { type Engine, MemoryEngine } from '@secreg/storage'
import { expect, onTestFinished, TestRunner } from 'vitest'
import type { OpenedRegistry } from '../src/open-registry.ts'
import type { Registry } from '../src/registry.ts'
import { filesOfProcess } from './process-files.ts'

/** As scrypt, with a cost that tests can pay hundreds of times. */
export const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

export const PEER = { door: 'registry', address: 'test' } as const
export const PASSPHRASE = { kind: 'passphrase', passphrase: TEST_ADMIN.passphrase } as const
export const PASSWORD = 'Builder-of-things-1'

export interface Home {
  readonly opened: OpenedRegistry
  readonly registry: Registry
  readonly engine: Engine
  readonly files: MemoryFiles
  readonly admin: Caller
  readonly api: RegistryApi
}

type Options = Partial<Omit<TestRegistryOptions, 'files'>> & { readonly files?: MemoryFiles }

/** Open a registry; nothing is logged in. Housekeeping is left to the test. */
export async function open(options: Options = {}) {
  const engine = options.engine ?? new MemoryEngine()
  const files = options.files ?? createMemoryFiles()
  const opened = await openTestRegistry({
    scrypt: fastScrypt,
    housekeepingMs: 1_000_000,
    ...options,
    engine,
    files: filesOfProcess(files),
  })
  // Its timers would hold it, with its store and its log, for as long as the process runs.
  if (TestRunner.getCurrentTest() !== undefined) {
    onTestFinished(() => void opened.registry.close().catch(() => {}))
  }
  return { opened, registry: opened.registry, engine, files }
}

/** Open and initialise a registry. */
export async function start(options: Options = {}): Promise<Home> {
  const home = await open(options)
  const admin = await initializeTestRegistry(home.opened)
  return { ...home, admin, api: home.registry.as(admin) }
}

/** Open an initialised registry again, unlock it, and log its administrator in. */
export async function restart(options: Options): Promise<Home> {
  const home = await open(options)
  await home.registry.unlock(PEER, PASSPHRASE)
  const admin = await loginTestUser(home.opened, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
  return { ...home, admin, api: home.registry.as(admin) }
}

/** Make a user and log him in. */
export async function addUser(
  home: Home,
  user: string,
  roles: readonly ('admin' | 'operator' | 'auditor' | 'user')[],
): Promise<{ caller: Caller; api: RegistryApi }> {
  await home.api.user({ op: 'add', user, password: PASSWORD, roles: [...roles] })
  const caller = await loginTestUser(home, user, PASSWORD)
  return { caller, api: home.registry.as(caller) }
}

export interface Line {
  readonly seq: number
  readonly rev?: number
  readonly body: AuditBody
}

/** Lines of the log, in order. */
export function linesOf(files: MemoryFiles): Line[] {
  const lines: Line[] = []
  for (const name of files.list('/log').sort()) {
    if (!name.endsWith('.jsonl')) continue
    for (const text of files.readFile(`/log/${name}`).toString('utf8').split('\n')) {
      if (text !== '') lines.push(JSON.parse(text) as Line)
    }
  }
  // Whatever a test is about, every record has the documented form; of very long logs, the last ones.
  for (const { seq, body } of lines.slice(-SCHEMA_LINES)) {
    const { error } = auditBodySchema.safeParse(body)
    expect(error, `record ${seq}: ${JSON.stringify(body)}`).toBeUndefined()
  }
  return lines
}

const SCHEMA_LINES = 500

/** What a call did: its answer, or the reason and message of its refusal. */
export async function outcomeOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return { answer: await run() }
  } catch (error) {
    const { reason, message, status } = error as Error & { reason?: string; status?: number }
    return { reason, message, status }
  }
}

export const reason = (word: string): unknown => expect.objectContaining({ reason: word })

/** As much of a decoder as the secret of a second factor needs (RFC 4648 section 6). */
export function bytesOfBase32(base32: string): Uint8Array {
  let bits = ''
  for (const char of base32) {
    bits += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0')
  }
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
