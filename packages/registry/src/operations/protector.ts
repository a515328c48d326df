/**
 * What opens the registry: listed, added, changed and taken out, without anything being encrypted anew (DESIGN §6).
 *
 * The root key is not kept, so what is added or changed is made under the key that a proof gives: a credential of a
 * protector that is there. The slow part comes before the writer's turn; there, what was made is put into the header as
 * it is then, since a rotation may have changed that meanwhile.
 */
import {
  addProtector,
  type NewProtector,
  PROTECTORS_MAX,
  type Protector,
  putProtector,
  removeProtector,
  replaceProtector,
  type SealHeader,
  wipe,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { type Caller, type ProtectorResponse, type RequestOf, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import { sealErasureOp } from '../eraser.ts'
import type { Identity } from '../identity.ts'
import { type Facts, recorded, recordedFailure, refusalBody } from '../recorded.ts'
import {
  checkedHeader,
  credentialsOf,
  type GivenProof,
  openWith,
  wipeCredentials,
} from '../seal/credential.ts'
import { newProtectorOf, requireLabel, wipeNew } from '../seal/new-protector.ts'
import {
  describeProtector,
  findProtector,
  kindName,
  protectorInfo,
  requireOtherWay,
  requireRemovable,
} from '../seal/protector-list.ts'
import { sealFailure } from '../seal/seal-failure.ts'
import { headerOp, storedHeader } from '../seal-row.ts'
import type { SealTools } from './seal.ts'

type ProtectorRequest = RequestOf<'protector'>
type AddRequest = Extract<ProtectorRequest, { op: 'add' }>
type ChangeRequest = Extract<ProtectorRequest, { op: 'change' }>
type RemoveRequest = Extract<ProtectorRequest, { op: 'remove' }>

/** A protector made under the root key, and what it rests on. */
interface Made {
  readonly protector: Protector
  readonly shares: readonly string[]
  /** Which protector the proof is of. */
  readonly proof: Protector
  /** The one that it replaces. */
  readonly replaces?: Protector
}

/**
 * Run one request about protectors.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED`, `ERR_UNLOCK_FAILED` for a wrong proof, `ERR_SHARE_INVALID`,
 *   `ERR_SHARE_FOREIGN`, `ERR_SHARES_MISSING`, `ERR_NO_PROTECTOR`, `ERR_PASSWORD_POLICY`, `ERR_INVALID_ARGUMENT`,
 *   `ERR_NOT_FOUND`, `ERR_ALREADY_EXISTS`, `ERR_LIMIT_EXCEEDED`, `ERR_LAST_PROTECTOR`, `ERR_VERSION_CONFLICT`, and the
 *   failures of store and log
 */
export function protector(
  identity: Identity,
  tools: SealTools,
  caller: Caller,
  request: ProtectorRequest,
): Promise<ProtectorResponse> {
  const { core } = identity
  switch (request.op) {
    case 'list':
      return listProtectors(core, caller)
    case 'add':
      return addNew(identity, tools, caller, request)
    case 'change':
      return change(identity, tools, caller, request)
    case 'remove':
      return remove(core, caller, request)
  }
}

function listProtectors(core: Core, caller: Caller): Promise<ProtectorResponse> {
  const facts: Facts = { action: 'protector', detail: 'list' }
  return recorded(core.journal, caller, facts, () => {
    core.authorizer.require(caller, 'seal', '/')
    core.keys.requireReadable()
    const { protectors } = checkedHeader(core.keys.header)
    facts.count = protectors.length
    return { protectors: protectors.map(protectorInfo) }
  })
}

async function addNew(
  identity: Identity,
  tools: SealTools,
  caller: Caller,
  request: AddRequest,
): Promise<ProtectorResponse> {
  const { kind, label, recovery, proof } = request
  const facts: Facts = { action: 'protector', detail: `add ${kind}` }
  const made = await recordedFailure(identity.core.journal, caller, facts, async () => {
    const header = changeableHeader(identity.core, caller)
    requireLabel(label)
    const marks = {
      ...(label === undefined ? {} : { label }),
      ...(recovery === true ? { recovery } : {}),
    }
    requireRoom(header, label)
    const spec = await newProtectorOf(kind, request, tools, marks)
    facts.detail = `add ${describeProtector(spec)}`
    return withProof(tools, header, proof, spec, async (rootKey, options) => {
      const added = await addProtector(header, rootKey, spec, options)
      return { ...added, id: added.protectorId }
    })
  })
  facts.detail = `add ${describeProtector(made.protector)}`
  return commit(identity.core, caller, facts, made, (header) => requireRoom(header, label))
}

async function change(
  identity: Identity,
  tools: SealTools,
  caller: Caller,
  request: ChangeRequest,
): Promise<ProtectorResponse> {
  const { core } = identity
  const facts: Facts = { action: 'protector', detail: 'change' }
  const force = request.force === true
  const made = await recordedFailure(core.journal, caller, facts, async () => {
    const header = changeableHeader(core, caller)
    const target = findProtector(header.protectors, request.protector)
    facts.detail = `change ${describeProtector(target)}`
    requireOtherWay(header.protectors, target, force)
    const { label, recovery } = target
    const marks = {
      ...(label === undefined ? {} : { label }),
      ...(recovery === undefined ? {} : { recovery }),
    }
    const given =
      target.kind === 'shamir' && request.shares === undefined
        ? { ...request, shares: { count: target.count, threshold: target.threshold } }
        : request
    const spec = await newProtectorOf(kindName(target), given, tools, marks)
    const anew = await withProof(tools, header, request.proof, spec, async (rootKey, options) => {
      const replaced = await replaceProtector(header, rootKey, target.id, spec, options)
      return { ...replaced, id: target.id }
    })
    if (anew.proof.id === target.id) requireOther(request)
    return { ...anew, replaces: target }
  })
  return commit(core, caller, facts, made, ({ protectors }) =>
    requireOtherWay(protectors, made.replaces, force),
  )
}

async function remove(
  core: Core,
  caller: Caller,
  { protector: name, force }: RemoveRequest,
): Promise<ProtectorResponse> {
  const facts: Facts = { action: 'protector', detail: 'remove' }
  const answer = await core.writer.submit<ProtectorResponse>({
    plan: (view) => {
      facts.detail = 'remove'
      core.authorizer.require(caller, 'seal', '/')
      core.keys.requireUnsealed()
      const stored = storedHeader(view)
      const target = findProtector(stored.protectors, name)
      facts.detail = `remove ${describeProtector(target)}`
      requireRemovable(stored.protectors, target, force === true)
      const header = changed(core, stored, (before, headerKey) =>
        removeProtector(before, headerKey, target.id, { backend: nodeBackend }),
      )
      return {
        ops: [headerOp(header), sealErasureOp()],
        record: auditBody(caller, 'protector', 'ok', facts),
        publish: () => core.keys.replaceHeader(header),
        result: () => ({ protector: protectorInfo(target) }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
  return { ...answer, erased: await core.eraser.settle() }
}

/** Put what was made into the header as it is in the writer's turn. */
async function commit(
  core: Core,
  caller: Caller,
  facts: Facts,
  made: Made,
  check: (stored: SealHeader) => void,
): Promise<ProtectorResponse> {
  const { shares, proof, replaces } = made
  const answer = await core.writer.submit<ProtectorResponse>({
    plan: (view) => {
      core.authorizer.require(caller, 'seal', '/')
      core.keys.requireUnsealed()
      const stored = storedHeader(view)
      requireUnchanged(stored, proof)
      if (replaces !== undefined) requireUnchanged(stored, replaces)
      check(stored)
      const header = changed(core, stored, (before, headerKey) =>
        putProtector(before, headerKey, made.protector, { backend: nodeBackend }),
      )
      const ops: Op[] = [headerOp(header)]
      if (replaces !== undefined) ops.push(sealErasureOp())
      return {
        ops,
        record: auditBody(caller, 'protector', 'ok', facts),
        publish: () => core.keys.replaceHeader(header),
        result: () => ({
          protector: protectorInfo(made.protector),
          ...(shares.length === 0 ? {} : { shares }),
        }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
  return replaces === undefined ? answer : { ...answer, erased: await core.eraser.settle() }
}

/** Decided once before the costly derivations, and again in the writer's turn, where it counts. */
function changeableHeader({ authorizer, keys }: Core, caller: Caller): SealHeader {
  authorizer.require(caller, 'seal', '/')
  keys.requireUnsealed()
  return checkedHeader(keys.header)
}

/** Find the root key by a proof, make something under it, and forget it. */
async function withProof(
  tools: SealTools,
  header: SealHeader,
  given: GivenProof,
  spec: NewProtector,
  make: (
    rootKey: Uint8Array,
    options: { readonly backend: typeof nodeBackend; readonly scrypt: SealTools['scrypt'] },
  ) => Promise<{
    readonly header: SealHeader
    readonly id: string
    readonly shares: readonly string[]
  }>,
): Promise<Made> {
  const { scrypt } = tools
  let rootKey: Uint8Array | undefined
  try {
    const credentials = credentialsOf(header, given, 'all')
    const opened = await openWith(header, credentials, { scrypt, use: 'all' }).finally(() =>
      wipeCredentials(credentials),
    )
    rootKey = opened.rootKey
    const { header: next, id, shares } = await make(rootKey, { backend: nodeBackend, scrypt })
    const made = next.protectors.find((one) => one.id === id) as Protector
    return { protector: made, shares, proof: opened.protector }
  } catch (cause) {
    throw sealFailure(cause)
  } finally {
    wipeNew([spec])
    if (rootKey !== undefined) wipe(rootKey)
  }
}

function changed(
  { keys }: Core,
  stored: SealHeader,
  make: (header: SealHeader, headerKey: Uint8Array) => SealHeader,
): SealHeader {
  try {
    return keys.changeHeader(stored, make)
  } catch (cause) {
    throw sealFailure(cause)
  }
}

function requireRoom({ protectors }: SealHeader, label: string | undefined): void {
  if (protectors.length >= PROTECTORS_MAX) {
    throw new SecregError(
      'LIMIT_EXCEEDED',
      `a registry has at most ${PROTECTORS_MAX} protectors; remove one first`,
    )
  }
  if (label !== undefined && protectors.some((other) => other.label === label)) {
    throw new SecregError('ALREADY_EXISTS', 'a protector has this label already')
  }
}

/** What was taken out or made anew meanwhile proves nothing any more. */
function requireUnchanged({ protectors }: SealHeader, before: Protector): void {
  const now = protectors.find(({ id }) => id === before.id)
  if (now?.commitment === before.commitment && now.nonce === before.nonce) return
  throw new SecregError('VERSION_CONFLICT', 'the protectors have changed meanwhile; try again')
}

function requireOther({ passphrase, proof }: ChangeRequest): void {
  if (passphrase === undefined || proof.passphrase === undefined) return
  if (passphrase.normalize('NFC') === proof.passphrase.normalize('NFC')) {
    throw new SecregError('PASSWORD_POLICY', 'the new passphrase is the old one')
  }
}
