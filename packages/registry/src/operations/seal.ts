/** Initialise and lock (DESIGN §6). */
import { createSeal, type NewSeal, type Scrypt } from '@secreg/crypto'
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
import { policyKey } from '../keys.ts'
import { encodePolicy } from '../policies.ts'
import { type Facts, recorded, recordedFailure, refusalBody } from '../recorded.ts'
import { rowViewOf } from '../row-view.ts'
import { firstProtectors, type NewProtectorTools, wipeNew } from '../seal/new-protector.ts'
import { sealFailure } from '../seal/seal-failure.ts'
import { headerOp } from '../seal-row.ts'

/** What the operations on the seal need beside the identity. */
export interface SealTools extends NewProtectorTools {
  readonly scrypt: Scrypt
}

type InitRequest = Extract<RequestOf<'seal'>, { op: 'init' }>

/** What a request to initialise says of the new registry. */
type NewRegistry = Pick<InitRequest, 'passphrase' | 'shares' | 'admin' | 'admin_password'>

/**
 * Set what opens it, the first administrator and the built-in policies, in one commit.
 *
 * @returns with the shares, where some were asked for: they are told once and kept nowhere
 * @throws SecregError `ERR_ALREADY_INITIALIZED`, `ERR_PASSWORD_POLICY`, `ERR_INVALID_ARGUMENT`, and the failures of
 *   store and log
 */
export async function initialize(
  identity: Identity,
  tools: SealTools,
  caller: Caller,
  request: NewRegistry,
): Promise<SealResponse> {
  const { core, hasher } = identity
  const facts: Facts = { action: 'init' }
  const prepared = await recordedFailure(core.journal, caller, facts, async () => {
    requireUninitialized(identity)
    const login = acceptedLogin(request)
    const password = await hashNewPassword(hasher, request.admin_password, { login })
    return { login, password, ...(await newSeal(tools, request)) }
  })
  const { login, password, header, rootKey, shareSets } = prepared
  const shares = shareSets.flatMap((set) => set.shares)
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
          headerOp(header),
          ...account.ops,
          ...policies.map(
            (policy): Op => ({
              type: 'put',
              key: policyKey(policy.id),
              value: encodePolicy(policy),
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
          result: () => ({
            state: core.keys.state,
            ...(shares.length === 0 ? {} : { shares }),
          }),
        }
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
  } catch (error) {
    // If the commit turns out to be there after all, the header is adopted, and what was given opens it.
    if (installed) core.keys.forget()
    throw error
  } finally {
    rootKey.fill(0)
  }
}

async function newSeal(tools: SealTools, request: NewRegistry): Promise<NewSeal> {
  const protectors = await firstProtectors(request, tools)
  try {
    return await createSeal(protectors, { backend: nodeBackend, scrypt: tools.scrypt })
  } catch (cause) {
    throw sealFailure(cause)
  } finally {
    wipeNew(protectors)
  }
}

/**
 * Check what a request to initialise can be refused for, so that nothing is moved aside for one that would fail.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_PASSWORD_POLICY`, `ERR_CRYPTO_FAILED`
 */
export async function requireAcceptable(
  { hasher }: Pick<Identity, 'hasher'>,
  tools: NewProtectorTools,
  request: NewRegistry,
): Promise<void> {
  await hashNewPassword(hasher, request.admin_password, { login: acceptedLogin(request) })
  wipeNew(await firstProtectors(request, tools))
}

function acceptedLogin({ admin }: Pick<NewRegistry, 'admin'>): string {
  const login = normalizeLogin(admin)
  if (login === undefined) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'the administrator\u2019s name must be a-z, 0-9, _, . or -',
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
