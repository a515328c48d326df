/** Parts of a registry that make its audit log prove itself. */
import type { AuditLog } from '@secreg/audit'
import type { AuditFault } from '@secreg/protocol'
import { LongJob } from '../long-job.ts'
import { CopyWatch, type CopyWatchOptions } from './copy-watch.ts'
import { AuditKeeper, type KeeperOptions } from './keeper.ts'
import { SigningKeys, type SigningKeysOptions } from './signing-keys.ts'

/** How far a verification is. */
export interface Verification {
  readonly records: number
  readonly total: number
  readonly checkpoints: number
  readonly ok?: boolean
  readonly fault?: AuditFault
}

export interface AuditEvidence {
  readonly signing: SigningKeys
  readonly keeper: AuditKeeper
  readonly copies: CopyWatch
  /** Takes texts of checkpoints that were kept elsewhere. */
  readonly verification: LongJob<Verification, readonly string[]>
}

export type AuditEvidenceOptions = SigningKeysOptions &
  Omit<KeeperOptions, 'signing' | 'unsealings'> &
  Pick<CopyWatchOptions, 'isShipped'>

export function createAuditEvidence(options: AuditEvidenceOptions): AuditEvidence {
  const signing = new SigningKeys(options)
  const { keys, log, onFault } = options
  return {
    signing,
    keeper: new AuditKeeper({ ...options, signing, unsealings: () => keys.unsealings }),
    copies: new CopyWatch(options),
    verification: new LongJob({
      what: 'verification',
      begin: () => ({ records: 0, total: log.tail.sequence, checkpoints: 0 }),
      run: async (outside, tell, signal) => {
        const total = log.tail.sequence
        tell(
          await verify({ log, signing, outside, signal }, (records) =>
            tell({ records, total, checkpoints: 0 }),
          ),
        )
      },
      onFault,
    }),
  }
}

interface VerifyRequest {
  readonly log: AuditLog
  readonly signing: SigningKeys
  readonly outside?: readonly string[]
  readonly signal?: AbortSignal
}

/** The whole log up to now. While it is sealed, its key is not known, and only the chain is verified. */
export async function verify(
  { log, signing, outside = [], signal }: VerifyRequest,
  onRecords: (records: number) => void = () => {},
): Promise<Verification> {
  const signer = await signing.signer()
  const total = log.tail.sequence
  const { ok, records, checkpoints, firstFault } = await log.evidence.verify({
    known: log.synced.sequence === 0 ? [] : [log.synced],
    ...(signer === undefined ? {} : { keys: [signer.vkey], outside }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onRecords(progress.records),
  })
  const done = { records, total, checkpoints, ok }
  if (firstFault === undefined) return done
  const { kind, message, sequence, segment, until } = firstFault
  const fault = { kind, message, sequence, segment, ...(until === undefined ? {} : { until }) }
  return { ...done, fault }
}
