/** `sreg unlock`: by passphrase, key file, or share by share; needs no login. */
import { readAllSecretLines } from '@secreg/host/terminal'
import { type Reason, type RequestOf, type SealResponse, SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import { hintOf, withHints } from '../hints.ts'
import { readKeyFileText } from '../key-file.ts'
import { assertSecretsComing, isInteractive, readSecrets } from '../secrets.ts'
import { asCliError } from '../terminal.ts'

type UnlockRequest = Omit<Extract<RequestOf<'seal'>, { op: 'unlock' }>, 'op'>

const KEY_FILE_HINTS = { UNLOCK_FAILED: 'check the key file; the registry stays sealed' }
const SHARE_HINTS: Readonly<Partial<Record<Reason, string>>> = {
  UNLOCK_FAILED: 'not all of the shares are genuine; as many have to be given again',
}

export async function run(context: Context): Promise<undefined> {
  const file = context.text('key-file')
  const ways = [file !== undefined, context.flag('share'), context.flag('reset')]
  if (ways.filter((way) => way).length > 1) {
    throw new CliError('INVALID_ARGUMENT', 'give one of --share, --key-file and --reset')
  }
  if (context.flag('finish') && !context.flag('share')) {
    throw new CliError('INVALID_ARGUMENT', '--finish goes with --share')
  }
  const answer = context.flag('share')
    ? await withHints(SHARE_HINTS, () => unlockByShares(context))
    : await unlockAtOnce(context, file)
  await context.print(answer, () => '')
  const { state, share_progress: progress } = answer
  if (progress !== undefined) {
    await context.note(
      `${progress.have} of ${progress.need} shares are there; it stays sealed until the others are`,
    )
  } else if (context.verbose) await context.note(state)
}

async function unlockAtOnce(context: Context, file: string | undefined): Promise<SealResponse> {
  const request = await requestOf(context, file)
  return withHints(file === undefined ? {} : KEY_FILE_HINTS, () => unlock(context, [request]))
}

async function requestOf(context: Context, file: string | undefined): Promise<UnlockRequest> {
  if (context.flag('reset')) return { reset: true }
  const use = context.flag('recovery') ? { recovery: true } : {}
  if (file !== undefined) return { key_file: await readKeyFileText(file), ...use }
  const [passphrase = ''] = await readSecrets(context, [{ question: 'Passphrase' }])
  return { passphrase, ...use }
}

/** One share of a person at a terminal; from standard input, as many as there are. */
async function unlockByShares(context: Context): Promise<SealResponse> {
  assertSecretsComing(context, 'the shares, one a line')
  const shares = isInteractive(context)
    ? await readSecrets(context, [{ question: 'Share' }])
    : await readAllSecretLines(context.io.stdin).catch(asCliError)
  if (shares.length === 0) {
    throw new CliError('INVALID_ARGUMENT', 'line 1 of standard input is missing or empty: share')
  }
  const use = context.flag('recovery') ? { recovery: true } : {}
  const last = context.flag('finish') ? { finish: true } : {}
  return unlock(
    context,
    shares.map((share, at) => ({ share, ...use, ...(at === shares.length - 1 ? last : {}) })),
  )
}

/** Send them one by one, until it is unlocked. */
function unlock(context: Context, requests: readonly UnlockRequest[]): Promise<SealResponse> {
  return context.withRegistry('none', async (registry) => {
    let answer: SealResponse = { state: 'sealed' }
    for (const [at, request] of requests.entries()) {
      try {
        answer = await registry.seal({ op: 'unlock', ...request })
      } catch (error) {
        throw requests.length === 1 ? error : ofLine(error, at + 1)
      }
      if (answer.state === 'unsealed') break
    }
    return answer
  })
}

/** Which line it was; the lines before it have been taken. */
function ofLine(error: unknown, line: number): unknown {
  if (!SecregError.is(error)) return error
  const message = `line ${line}: ${printable(error.message)}`
  const hint = SHARE_HINTS[error.reason] ?? hintOf(error)
  return new CliError(error.reason, message, hint, { cause: error })
}
