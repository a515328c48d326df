/** State of the store, of the audit log, and of the quotas that they are under. */
import type { AuditLog } from '@secreg/audit'
import type { Core } from '../core.ts'
import { GroupView } from '../group-view.ts'
import type { Mount } from '../mounts.ts'
import type { RotationState } from '../rotation/state.ts'
import { addUsage, hasQuota, readUsage } from '../usage.ts'
import { type Diagnosis, finding } from './finding.ts'

/** A sync of the log that takes longer is told, milliseconds. */
const SLOW_SYNC_MS = 1000
/** Share of a quota from which it is told. */
const NEARLY_FULL = 0.9
/** Mounts that one finding names. */
const NAMED = 3

const RESTORE = 'see the log of secregd for the places; restore what is damaged from a backup'

/** What scrubs of this process have found. */
export interface ScrubFacts {
  /** Places of the store that are damaged. */
  readonly damage: number
  /** Time since the last whole scrub, milliseconds; `undefined` when there was none. */
  readonly sinceMs: number | undefined
}

export function scrubFinding({ damage, sinceMs }: ScrubFacts): Diagnosis {
  const check = 'scrub'
  if (damage > 0) {
    return finding(check, 'fault', `the store is damaged at ${damage} places`, RESTORE)
  }
  const message =
    sinceMs === undefined
      ? 'the store was not read through yet since the daemon was started'
      : `everything was right ${Math.floor(sinceMs / 3_600_000)} h ago`
  return finding(check, 'ok', message)
}

/** A rotation of the data keys that is under way, or cannot end. */
export function rotationFindings(state: RotationState | undefined): Diagnosis[] {
  if (state === undefined) return []
  const { phase, done, total, unreadable } = state
  const check = 'rotation'
  if (phase !== 'blocked') {
    return [finding(check, 'ok', `a rotation is under way: ${done} of ${total} entries`)]
  }
  const message = `${unreadable} values cannot be opened, so a rotation keeps the old keys`
  const advice = 'restore or purge those entries (see the log of secregd), then run: sreg rotate'
  return [finding(check, 'fault', message, advice)]
}

/** How long the log needs to bring its lines to the disk. */
export async function syncFinding(
  log: Pick<AuditLog, 'sync' | 'tail' | 'synced'>,
  monotonicMs: () => number,
): Promise<Diagnosis> {
  const check = 'audit lag'
  const lines = log.tail.sequence - log.synced.sequence
  const from = monotonicMs()
  try {
    await log.sync()
  } catch {
    const advice = 'see the log of secregd; make room, or look at the disk'
    return finding(check, 'fault', 'the audit log cannot be synced', advice)
  }
  const tookMs = Math.round(monotonicMs() - from)
  const message = `${lines} records waited to be synced, which took ${tookMs} ms`
  return tookMs > SLOW_SYNC_MS
    ? finding(check, 'warning', message, 'the disk of the audit log is slow or overloaded')
    : finding(check, 'ok', message)
}

/** Mounts whose quota is nearly used up; @param mayName - the reader may know their paths */
export function quotaFindings(
  core: Pick<Core, 'mounts' | 'engine'>,
  mayName: boolean,
): Diagnosis[] {
  const check = 'quotas'
  const view = new GroupView(core.engine)
  const quotas = core.mounts.list().filter(hasQuota)
  if (quotas.length === 0) return []
  const full = quotas.filter((mount) => {
    const { durable, volatile } = readUsage(view, mount.path)
    return shareUsed(mount, addUsage(durable, volatile)) >= NEARLY_FULL
  })
  if (full.length === 0) return [finding(check, 'ok', `${quotas.length} quotas have room`)]
  const message = `${full.length} of ${quotas.length} quotas are used up by 90 % or more`
  const advice = '"sreg mount list" shows them; purge what is not needed, or raise them'
  if (!mayName) return [finding(check, 'warning', message, advice)]
  const names = full.slice(0, NAMED).map(({ path }) => path)
  const more = full.length > NAMED ? ', …' : ''
  return [{ check, level: 'warning', message: `${message}: ${names.join(', ')}${more}`, advice }]
}

function shareUsed(
  { maxEntries, maxBytes }: Mount,
  { entries, bytes }: { readonly entries: number; readonly bytes: number },
): number {
  return Math.max(
    maxEntries === undefined ? 0 : entries / maxEntries,
    maxBytes === undefined ? 0 : bytes / maxBytes,
  )
}
