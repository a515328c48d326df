/** Protectors as callers see them: shown, named, described in records, and what may not be taken out (DESIGN §6). */
import { isPortable, type NewProtector, type Protector } from '@secreg/crypto'
import {
  type ProtectorInfo,
  type ProtectorKindName,
  SecregError,
  type ShareProgress,
} from '@secreg/protocol'

/** Digits of an id that records name, and that are enough for a caller. */
const SHORT_ID = 8
const LEAST_ID = 4

/** What its operators hold, in the words of the protocol. */
export function kindName({ kind }: Pick<Protector, 'kind'>): ProtectorKindName {
  return kind === 'shamir' ? 'shares' : kind
}

export function protectorInfo(protector: Protector): ProtectorInfo {
  const { id, label, recovery, kdf } = protector
  return {
    id,
    kind: kindName(protector),
    ...(label === undefined ? {} : { label }),
    recovery: recovery === true,
    portable: isPortable(protector),
    ...(protector.kind === 'shamir'
      ? { threshold: protector.threshold, count: protector.count }
      : {}),
    ...(protector.kind === 'systemd-credential' ? { credential: protector.credential } : {}),
    kdf:
      kdf.name === 'scrypt' ? { name: kdf.name, N: kdf.N, r: kdf.r, p: kdf.p } : { name: kdf.name },
  }
}

/** A protector for the audit log, with how many of its shares are there. */
export function describeProtector(
  protector: Pick<NewProtector, 'kind' | 'label' | 'recovery'> & { readonly id?: string },
  progress?: ShareProgress,
): string {
  const { id, label, recovery } = protector
  return [
    kindName(protector),
    ...(label === undefined ? [] : [JSON.stringify(label)]),
    ...(id === undefined ? [] : [id.slice(0, SHORT_ID)]),
    ...(progress === undefined ? [] : [`${progress.have} of ${progress.need}`]),
    ...(recovery === true ? ['for recovery'] : []),
  ].join(' ')
}

/**
 * The protector that a caller means by its id, by its label, or by the beginning of its id.
 *
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_INVALID_ARGUMENT` when it may be several
 */
export function findProtector(protectors: readonly Protector[], name: string): Protector {
  const found = protectors.find(({ id }) => id === name)
  if (found !== undefined) return found
  const labelled = protectors.filter(({ label }) => label === name)
  const meant =
    labelled.length > 0 || name.length < LEAST_ID
      ? labelled
      : protectors.filter(({ id }) => id.startsWith(name))
  const [first, ...more] = meant
  if (first === undefined) throw new SecregError('NOT_FOUND', 'no protector of that id or label')
  if (more.length > 0) {
    throw new SecregError('INVALID_ARGUMENT', 'several protectors begin so; give the whole id')
  }
  return first
}

/**
 * Refuse to take out what nothing else can do. The last protector is never taken out; with `force`, the last that works
 * on another host and the last for daily use are.
 *
 * @throws SecregError `ERR_LAST_PROTECTOR`
 */
export function requireRemovable(
  protectors: readonly Protector[],
  target: Protector,
  force: boolean,
): void {
  const rest = protectors.filter(({ id }) => id !== target.id)
  if (rest.length === 0) {
    throw last('it is the last one, which is never removed: nothing would open the registry again')
  }
  if (force) return
  if (isPortable(target) && !rest.some(isPortable)) {
    throw last('it is the last one that works on another host; a removal has to be forced')
  }
  if (target.recovery !== true && rest.every(({ recovery }) => recovery === true)) {
    throw last('it is the last one for daily use; a removal has to be forced')
  }
}

/**
 * Refuse to make shares anew where nothing else opens the registry: they are told once, and whoever does not get the
 * answer could never unlock it again.
 *
 * @throws SecregError `ERR_LAST_PROTECTOR`
 */
export function requireOtherWay(
  protectors: readonly Protector[],
  target: Protector,
  force: boolean,
): void {
  if (force || target.kind !== 'shamir' || protectors.length > 1) return
  throw last(
    'nothing but these shares opens the registry: add the new ones, then remove these, or force it',
  )
}

function last(message: string): SecregError {
  return new SecregError('LAST_PROTECTOR', message)
}
