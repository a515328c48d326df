/** Initialise, unlock and lock (DESIGN §6). */
import {
  type Credential,
  createSeal,
  isCryptoError,
  type NewProtector,
  openSeal,
  type Scrypt,
  type ScryptParams,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import {
  type AuditAction,
  type Caller,
  type RequestOf,
  type SealResponse,
  SecregError,
} from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { hashNewPassword, normalizeLogin, planCreateAccount } from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { firstAdministratorPolicy, homePolicy, ROLE_POLICIES } from '../built-in-policies.ts'
import type { Identity } from '../identity.ts'
import { IDENTITY_SPACES, policyKey, SEAL_KEY } from '../keys.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { asSecregError } from '../store-failure.ts'
import { recordedFailure } from './users.ts'

/** What the operations on the seal need beside the identity. */
export interface SealTools {
  readonly scrypt: Scrypt
  readonly params: ScryptParams
  /** Protectors of a new registry beside its passphrase. */
  readonly protectors: () => Promise<readonly NewProtector[]>
}

type InitRequest = Extract<RequestOf<'seal'>, { op: 'init' }>

const encoder = new TextEncoder()
const PASSPHRASE_CHARS = 12

/**
 * Set the passphrase, the first administrator and the built-in policies, in one commit.
 *
 * @throws SecregError `ERR_ALREADY_INITIALIZED`, `ERR_PASSWORD_POLICY`, `ERR_INVALID_ARGUMENT`, and the failures of
 *   store and log
 */
export async function initialize(
  identity: Identity,
  tools: SealTools,
  caller: Caller,
  request: Pick<InitRequest, 'passphrase' | 'admin' | 'admin_password'>,
): Promise<SealResponse> {
  const { core, hasher } = identity
  const facts: Facts = { action: 'init' }
  const prepared = await recordedFailure(identity, caller, facts, async () => {
    requireUninitialized(identity)
    const login = acceptedLogin(request)
    const password = await hashNewPassword(hasher, request.admin_password, { login })
    const { header, rootKey } = await createSeal(
      [
        { kind: 'passphrase', passphrase: request.passphrase, params: tools.params },
        ...(await tools.protectors()),
      ],
      { backend: nodeBackend, scrypt: tools.scrypt },
    )
    return { login, password, header, rootKey }
  })
  const { login, password, header, rootKey } = prepared
  let installed = false
  try {
    return await core.writer.submit({
      plan: (view) => {
        requireUninitialized(identity)
        const account = planCreateAccount(
          rowViewOf(view),
          { login, roles: ['admin'], password },
          { nowMs: core.now(), crypto: core.crypto },
        )
        const policies = [
          ...ROLE_POLICIES,
          firstAdministratorPolicy(account.account.id),
          homePolicy(account.account.id, login),
        ]
        const ops: Op[] = [
          { type: 'put', key: SEAL_KEY, value: encoder.encode(JSON.stringify(header)) },
          ...account.ops,
          ...policies.map(
            (policy): Op => ({
              type: 'put',
              key: policyKey(policy.id),
              value: encoder.encode(JSON.stringify(policy)),
            }),
          ),
        ]
        // Every row of the store carries a tag from its first commit on. Nothing is committed between plan and this.
        core.keys.prepare(header, Uint8Array.from(rootKey))
        core.keys.activate()
        installed = true
        return {
          ops,
          record: auditBody(caller, 'init', 'ok', { ...facts, detail: `administrator ${login}` }),
          publish: () => {
            core.keys.adopt(header)
            identity.policies.apply(ops)
          },
          result: () => ({ state: core.keys.state }),
        }
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
  } catch (error) {
    // If the commit turns out to be there after all, the header is adopted, and the passphrase opens it.
    if (installed) core.keys.forget()
    throw error
  } finally {
    rootKey.fill(0)
  }
}

/**
 * Check what a request to initialise can be refused for, so that nothing is moved aside for one that would fail.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_PASSWORD_POLICY`
 */
export async function requireAcceptable(
  { hasher }: Pick<Identity, 'hasher'>,
  request: Pick<InitRequest, 'passphrase' | 'admin' | 'admin_password'>,
): Promise<void> {
  await hashNewPassword(hasher, request.admin_password, { login: acceptedLogin(request) })
}

function acceptedLogin(request: Pick<InitRequest, 'passphrase' | 'admin'>): string {
  const login = normalizeLogin(request.admin)
  if (login === undefined) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'the administrator\u2019s name must be a-z, 0-9, _, . or -',
    )
  }
  if ([...request.passphrase].length < PASSPHRASE_CHARS) {
    throw new SecregError(
      'PASSWORD_POLICY',
      `the passphrase needs at least ${PASSPHRASE_CHARS} characters`,
    )
  }
  return login
}

function requireUninitialized({ core }: Identity): void {
  if (core.keys.state !== 'uninitialized') {
    throw new SecregError('ALREADY_INITIALIZED', 'the registry is initialised already')
  }
}

/**
 * Find the keys again and check identity, policy and seal under them before anything relies on those.
 *
 * @throws SecregError `ERR_UNLOCK_FAILED`, `ERR_CRYPTO_FAILED` for a damaged header, `ERR_STORAGE_CORRUPT` when a
 *   record was changed on disk; the registry then stays sealed
 */
export async function unlock(
  identity: Identity,
  tools: Pick<SealTools, 'scrypt'>,
  caller: Caller,
  credential: Credential,
): Promise<SealResponse> {
  const { core } = identity
  const root = await recordedFailure(identity, caller, { action: 'unlock' }, async () => {
    const { header } = core.keys
    if (header === undefined) core.keys.requireReadable()
    if (core.keys.state === 'unsealed' || header === undefined) return undefined
    try {
      const options = { backend: nodeBackend, scrypt: tools.scrypt }
      return (await openSeal(header, credential, options)).rootKey
    } catch (cause) {
      throw unlockFailure(cause)
    }
  })
  return identity.inTurn(() => activate(identity, caller, root))
}

/** Verify under the keys, record, and only then put them to use. */
async function activate(
  identity: Identity,
  caller: Caller,
  root: Uint8Array | undefined,
): Promise<SealResponse> {
  const { core } = identity
  const { header } = core.keys
  const needed = root !== undefined && header !== undefined && core.keys.state === 'sealed'
  try {
    await recorded(core.journal, caller, { action: 'unlock' }, async () => {
      if (!needed) return
      core.keys.prepare(header, root)
      await verifyIdentity(identity)
      await identity.policies.load()
      await core.mounts.load()
    })
  } catch (cause) {
    if (needed) core.keys.lock()
    throw cause
  } finally {
    root?.fill(0)
  }
  if (needed) {
    // Sessions of the sealed time were opened on records that nobody had verified.
    for (const session of identity.sessions.list()) identity.sessions.closeSession(session)
    core.keys.activate()
  }
  return { state: core.keys.state }
}

function unlockFailure(cause: unknown): SecregError {
  if (isCryptoError(cause, 'ERR_CRYPTO_WRONG_KEY')) {
    return new SecregError('UNLOCK_FAILED', 'what was given does not unlock it', { cause })
  }
  if (isCryptoError(cause, 'ERR_CRYPTO_BUSY')) return asSecregError(cause)
  if (isCryptoError(cause)) {
    return new SecregError('CRYPTO_FAILED', `the seal cannot be opened: ${cause.message}`, {
      cause,
    })
  }
  return asSecregError(cause)
}

/** Read every row that can grant something: the engine checks each one's tag. */
async function verifyIdentity({ core }: Identity): Promise<void> {
  for (const space of IDENTITY_SPACES) {
    const iterator = core.engine.iterate(space)
    try {
      while ((await iterator.nextPage(256)).length > 0);
    } finally {
      await iterator.close()
    }
  }
}

/**
 * Forget the keys.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function lock(identity: Identity, caller: Caller): Promise<SealResponse> {
  const { core } = identity
  const action: AuditAction = 'lock'
  let locked = false
  return recorded(core.journal, caller, { action }, async () => {
    core.authorizer.require(caller, 'seal', '/')
    core.keys.requireUnsealed()
    await core.writer.whenIdle(() => core.keys.lock())
    locked = true
    return { state: core.keys.state }
  }).catch((error: unknown) => {
    if (!locked) throw error
    throw new SecregError(
      'AUDIT_FAILED',
      'the registry is locked, but the audit log cannot be written',
      { cause: error },
    )
  })
}
