/** A small signed log, and its verification with the key that signed it. */
import { type LogVerifyResult, type VerifyLogOptions, verifyLog } from '../../src/proof/index.ts'
import { MadeLog, signer } from './made-log.ts'

export const KEYS: readonly string[] = [signer(0).vkey]

/** Ten lines in segments of 4, 3 and 3; checkpoints of 4, 7 and 10 lines. */
export function made(...more: string[]): MadeLog {
  const log = new MadeLog([4, 3, 3])
  const notes = [log.key(0, 0), log.checkpoint(4), log.checkpoint(7), log.checkpoint(10), ...more]
  log.notes.push(...notes.map((note) => ({ time: 0, note })))
  return log
}

export function run(log: MadeLog, options: VerifyLogOptions = {}): Promise<LogVerifyResult> {
  return verifyLog(log.sources(), { notes: log.file(), keys: KEYS, ...options })
}
