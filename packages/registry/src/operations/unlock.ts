/** Unlocking (DESIGN §6): by one credential, or share by share. */
import type { Credential, Scrypt, ShamirProtector } from '@secreg/crypto'
import {
  type Caller,
  type RequestOf,
  type SealResponse,
  SecregError,
  type ShareProgress,
} from '@secreg/protocol'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import type { Identity } from '../identity.ts'
import { IDENTITY_SPACES } from '../keys.ts'
import { type Facts, recorded, recordedFailure } from '../recorded.ts'
import { decodeRenumbering, NUMBERS_KEY } from '../renumbering.ts'
import { type AttemptPace, tooManyAttempts } from '../seal/attempt-pace.ts'
import {
  checkedHeader,
  keyFileCredentials,
  type Opened,
  openWith,
  type SealUse,
  setOfShare,
  wipeCredentials,
} from '../seal/credential.ts'
import { describeProtector, kindName } from '../seal/protector-list.ts'
import type { ShareCollector } from '../seal/share-collector.ts'
import { asSecregError } from '../store-failure.ts'

type UnlockRequest = Extract<RequestOf<'seal'>, { op: 'unlock' }>

/** What unlocking needs beside the identity. */
export interface UnlockTools {
  readonly scrypt: Scrypt
  readonly collector: ShareCollector
  readonly pace: AttemptPace
}

/** One attempt, as it is recorded and slowed. */
interface Attempt {
  readonly identity: Identity
  readonly tools: UnlockTools
  readonly caller: Caller
  readonly facts: Facts
}

/**
 * Find the keys again and check identity, policy and seal under them before anything relies on those.
 *
 * @param use - which protectors may open it
 * @throws SecregError `ERR_UNLOCK_FAILED`, `ERR_NO_PROTECTOR`, `ERR_SEAL_DAMAGED`, `ERR_KDF_BELOW_FLOOR`, `ERR_BUSY`;
 *   `ERR_STORAGE_CORRUPT` when a record was changed on disk, and the registry then stays sealed
 */
export async function unlock(
  identity: Identity,
  tools: UnlockTools,
  caller: Caller,
  credentials: readonly [Credential, ...Credential[]],
  use: SealUse = 'daily',
): Promise<SealResponse> {
  const { core } = identity
  const kind = kindName(credentials[0])
  const detail = use === 'recovery' ? `${kind} for recovery` : kind
  const facts: Facts = { action: 'unlock', detail }
  const attempt = { identity, tools, caller, facts }
  const opened = await attempted(attempt, kind === 'passphrase', async () => {
    const header = sealedHeader(core, tools.pace)
    if (header === undefined) return undefined
    return openWith(header, credentials, { scrypt: tools.scrypt, use })
  })
  return activateInTurn(attempt, opened)
}

/**
 * Unlock as a caller asks: by passphrase, key file or one share of several.
 *
 * @throws SecregError as {@link unlock}; `ERR_SHARE_INVALID`, `ERR_SHARE_FOREIGN`, `ERR_SHARES_MISSING`,
 *   `ERR_INVALID_ARGUMENT`
 */
export async function unlockBy(
  identity: Identity,
  tools: UnlockTools,
  caller: Caller,
  request: UnlockRequest,
): Promise<SealResponse> {
  const { passphrase, share, key_file, recovery, finish, reset } = request
  const facts: Facts = { action: 'unlock' }
  const attempt = { identity, tools, caller, facts }
  const use = recovery === true ? 'recovery' : 'daily'
  const ways = [passphrase, share, key_file, reset === true ? reset : undefined]
  if (
    ways.filter((way) => way !== undefined).length !== 1 ||
    (finish === true && share === undefined)
  ) {
    return attempted(attempt, false, async () => {
      throw new SecregError(
        'INVALID_ARGUMENT',
        'give one of passphrase, share, key_file and reset; finish goes with a share only',
      )
    })
  }
  if (passphrase !== undefined) {
    return unlock(identity, tools, caller, [{ kind: 'passphrase', passphrase }], use)
  }
  if (share !== undefined) return unlockByShare(attempt, share, use, finish === true)
  if (key_file !== undefined) {
    facts.detail = 'key-file'
    const credentials = await attempted(attempt, false, async () => keyFileCredentials(key_file))
    try {
      const [first, ...more] = credentials
      return await unlock(identity, tools, caller, [first as Credential, ...more], use)
    } finally {
      wipeCredentials(credentials)
    }
  }
  facts.detail = 'reset shares'
  return resetShares(attempt)
}

/** Take one share; when enough are there, try them all. */
function unlockByShare(
  attempt: Attempt,
  text: string,
  use: SealUse,
  finish: boolean,
): Promise<SealResponse> {
  const { identity, tools, caller, facts } = attempt
  const { collector, pace } = tools
  facts.detail = use === 'recovery' ? 'shares for recovery' : 'shares'
  return collector.inTurn(async () => {
    let taken: ShamirProtector | undefined
    const takeShare = async (): Promise<ShareProgress | Opened | undefined> => {
      const sealed = sealedHeader(identity.core, pace)
      if (sealed === undefined) return undefined
      const header = checkedHeader(sealed)
      const set = setOfShare(header, text, use)
      if (collector.add(set, text)) taken = set
      else if (!pace.spend()) throw tooManyAttempts()
      const progress = collector.progressOf(set)
      facts.detail = describeProtector(set, progress)
      if (progress.have >= progress.need) {
        const shares = collector.take(set)
        const credential: Credential = { kind: 'shamir', protectorId: set.id, shares }
        return openWith(header, [credential], { scrypt: tools.scrypt, use })
      }
      if (!finish) return progress
      throw new SecregError(
        'SHARES_MISSING',
        `${progress.need} shares are needed, and ${progress.have} are there`,
      )
    }
    try {
      const found = await attempted(attempt, false, takeShare)
      if (found === undefined || 'rootKey' in found) {
        return await activateInTurn(attempt, found, facts.detail)
      }
      const answer: SealResponse = { state: identity.core.keys.state, share_progress: found }
      return await recorded(identity.core.journal, caller, facts, () => answer)
    } catch (error) {
      // What was not recorded has not happened.
      if (taken !== undefined && asSecregError(error).reason === 'AUDIT_FAILED') {
        collector.remove(taken, text)
      }
      throw error
    }
  })
}

function resetShares(attempt: Attempt): Promise<SealResponse> {
  const { identity, tools, caller, facts } = attempt
  const { core } = identity
  return tools.collector.inTurn(async () => {
    await attempted(attempt, false, async () => {
      if (core.keys.header === undefined) core.keys.requireReadable()
      if (!tools.pace.spend()) throw tooManyAttempts()
    })
    return recorded(core.journal, caller, facts, () => {
      tools.collector.reset()
      return { state: core.keys.state }
    })
  })
}

/**
 * Look at what was given, unless too much has come to nothing of late. A refusal is recorded and counted; one of too
 * much is told in the record of all of them.
 *
 * @param derives - it costs a key derivation, which slows it enough
 */
async function attempted<T>(
  { identity, tools, caller, facts }: Attempt,
  derives: boolean,
  run: () => Promise<T>,
): Promise<T> {
  const { pace } = tools
  let refusal: SecregError
  try {
    if (!derives && !pace.isOpen) throw tooManyAttempts()
    return await run()
  } catch (cause) {
    refusal = asSecregError(cause)
    const isSlow = derives && refusal.reason === 'UNLOCK_FAILED'
    if (refusal.reason !== 'BUSY' && !isSlow && !pace.spend()) refusal = tooManyAttempts()
  }
  if (refusal.reason !== 'BUSY') {
    return recordedFailure(identity.core.journal, caller, facts, async () => {
      throw refusal
    })
  }
  pace.refuse(caller)
  recordRefused(identity.core, pace)
  throw refusal
}

/** Record the attempts that were refused unheard, when it is time; called now and then. */
export function recordRefused({ journal }: Core, pace: AttemptPace): void {
  const refused = pace.takeRefused()
  if (refused === undefined) return
  const { caller, count } = refused
  const facts = { detail: 'too many attempts', count }
  journal.record(auditBody(caller, 'unlock', 'failed', facts, 'BUSY'), () => {})
}

/**
 * The header while it is sealed, `undefined` while it is not: then the attempt comes to nothing.
 *
 * @throws SecregError `ERR_UNINITIALIZED`, `ERR_BUSY`
 */
function sealedHeader({ keys }: Core, pace: AttemptPace): unknown {
  if (keys.header === undefined) keys.requireReadable()
  if (keys.state === 'sealed') return keys.header
  if (!pace.spend()) throw tooManyAttempts()
  return undefined
}

/** @param detail - what is recorded; default the protector that was opened */
async function activateInTurn(
  { identity, tools, caller, facts }: Attempt,
  opened: Opened | undefined,
  detail?: string,
): Promise<SealResponse> {
  if (opened !== undefined) facts.detail = detail ?? describeProtector(opened.protector)
  try {
    return await identity.inTurn(() => activate(identity, caller, opened?.rootKey, facts))
  } finally {
    if (identity.core.keys.state === 'unsealed') tools.collector.reset()
  }
}

/** Verify under the keys, record, and only then put them to use. */
async function activate(
  identity: Identity,
  caller: Caller,
  root: Uint8Array | undefined,
  facts: Facts,
): Promise<SealResponse> {
  const { core } = identity
  const { header } = core.keys
  const needed = root !== undefined && header !== undefined && core.keys.state === 'sealed'
  try {
    await recorded(core.journal, caller, facts, async () => {
      if (!needed) return
      core.keys.prepare(header, root)
      // Whatever can grant something: no row of it changed, inserted, removed, or put back in an older form.
      await core.engine.verifyGuarded(IDENTITY_SPACES)
      await identity.policies.load()
      await core.mounts.load()
      core.renumbering = decodeRenumbering(await core.engine.get(NUMBERS_KEY))
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
