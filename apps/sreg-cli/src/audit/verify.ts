/** `sreg audit verify`: the whole log, by the daemon or here by its files alone. */
import { promises } from 'node:fs'
import type { RegistryConnection } from '@secreg/client'
import { type AuditFault, STATUS, type VerificationInfo } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError, fileError } from '../errors.ts'
import { startProgress } from '../progress.ts'
import { formatPairs } from '../table.ts'
import { Texts } from './texts.ts'

/** Checkpoints of one request (protocol, evidenceRequest). */
const MAX_CHECKPOINTS = 16

/** What was found, of either way. */
interface Verdict {
  readonly ok: boolean
  /** Up to the first fault. */
  readonly records: number
  readonly checkpoints: number
  readonly fault?: AuditFault
  /** Only of files: the record up to which a signed checkpoint shows that nothing was changed. */
  readonly proven?: number
  /** Only of files: segments of which retention has left hashes alone. */
  readonly removed?: number
  /** Only of files: signatures were checked with keys that were given. */
  readonly trusted?: boolean
}

export async function verify(context: Context): Promise<number> {
  const directory = context.text('directory')
  const paths = context.texts('checkpoint')
  const texts = new Texts(context)
  const keys = await texts.keys()
  if (directory === undefined && keys.length > 0) {
    throw new CliError('INVALID_ARGUMENT', '--key and --key-file are only for --directory')
  }
  if (directory === undefined && paths.length > MAX_CHECKPOINTS) {
    throw new CliError('INVALID_ARGUMENT', `at most ${MAX_CHECKPOINTS} checkpoints at once`)
  }
  const outside: string[] = []
  for (const path of paths) outside.push(await texts.text(path))
  const verdict =
    directory === undefined
      ? await verifyByDaemon(context, outside)
      : await verifyFiles(context, directory, keys, outside)
  await context.print(verdict, () => report(verdict))
  if (verdict.trusted === false) {
    await context.note(
      'signatures were not checked against a key of yours: whoever changed the log can have signed it anew; give --key',
    )
  }
  return verdict.ok ? STATUS.Success : STATUS.DatabaseError
}

async function verifyByDaemon(context: Context, outside: readonly string[]): Promise<Verdict> {
  const { ok, records, checkpoints, fault } = await context.withRegistry(
    'needed',
    async (registry) => {
      let latest = await ask(registry, outside.length === 0 ? {} : { checkpoints: [...outside] })
      const bar = await startProgress(context, 'Records verified', latest.total)
      try {
        // Each answer comes after some seconds, or with the end.
        while (!latest.done) {
          bar.update(latest.records)
          latest = await ask(registry, { job: latest.job })
        }
      } finally {
        bar.stop()
      }
      if (latest.ok === true) await proveGrowth(registry, outside)
      return latest
    },
  )
  if (ok === undefined) throw new CliError('INTERNAL', 'the daemon did not say what it found')
  return {
    ok: ok && fault === undefined,
    records,
    checkpoints,
    ...(fault === undefined ? {} : { fault }),
  }
}

/**
 * Have the daemon prove that the log continues each checkpoint. Only that shows that they were looked at: a verification
 * that somebody else has begun is joined, and that one knows nothing of them.
 */
async function proveGrowth(
  registry: RegistryConnection,
  outside: readonly string[],
): Promise<void> {
  if (outside.length === 0) return
  const { provenGrowth } = await import('./proven.ts')
  for (const checkpoint of outside) {
    const { proof } = await registry.evidence(
      { op: 'consistency', checkpoint },
      { timeoutMs: LONG_TIMEOUT_MS },
    )
    if (proof === undefined) throw new CliError('INTERNAL', 'the daemon gave no proof')
    provenGrowth(proof, checkpoint)
  }
}

async function ask(
  registry: RegistryConnection,
  about: { readonly job?: number; readonly checkpoints?: string[] },
): Promise<VerificationInfo> {
  const { verification } = await registry.evidence(
    { op: 'verify', ...about },
    { timeoutMs: LONG_TIMEOUT_MS },
  )
  if (verification !== undefined) return verification
  throw new CliError('INTERNAL', 'the daemon did not say how far the verification is')
}

async function verifyFiles(
  context: Context,
  directory: string,
  keys: readonly string[],
  outside: readonly string[],
): Promise<Verdict> {
  await promises.stat(directory).catch((error: unknown) => {
    throw fileError(directory, error)
  })
  const { AuditError, verifyDirectory } = await import('@secreg/audit')
  const bar = await startProgress(context, 'Records verified:', 0)
  try {
    const result = await verifyDirectory(directory, {
      ...(keys.length === 0 ? {} : { keys }),
      outside,
      onProgress: ({ records }) => bar.update(records),
    })
    const { ok, records, checkpoints, proven, removed, trusted, firstFault } = result
    return {
      ok,
      records,
      checkpoints,
      proven,
      removed,
      trusted,
      ...(firstFault === undefined ? {} : { fault: faultOf(firstFault) }),
    }
  } catch (error) {
    if (AuditError.is(error)) {
      throw new CliError('AUDIT_FAILED', error.message, 'name the directory of an audit log', {
        cause: error,
      })
    }
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw fileError(directory, error)
  } finally {
    bar.stop()
  }
}

/** What is told of a fault: its place in a file is a matter of the package. */
function faultOf({ kind, message, sequence, until, segment }: AuditFault): AuditFault {
  return { kind, message, sequence, segment, ...(until === undefined ? {} : { until }) }
}

function report({ ok, records, checkpoints, proven, removed, fault }: Verdict): string {
  return formatPairs([
    ['Records', String(records)],
    ['Checkpoints', String(checkpoints)],
    ['Signed up to', proven === undefined ? undefined : `record ${proven}`],
    ['Removed', removed ? `${removed} segments, of which only hashes are left` : undefined],
    ['Result', ok ? 'whole and unchanged' : `fault: ${fault?.kind ?? 'not told'}`],
    ['At', fault === undefined ? undefined : placeOf(fault)],
    // 0 is the file of the checkpoints.
    ['Segment', fault === undefined || fault.segment === 0 ? undefined : String(fault.segment)],
    ['Found', fault?.message],
  ])
}

function placeOf({ sequence, until }: AuditFault): string {
  if (sequence === 0) return 'the file of its checkpoints'
  return until === undefined || until === sequence
    ? `record ${sequence}`
    : `one of the records ${sequence} to ${until}`
}
