/** `sreg rotate`: begins a rotation of the data keys, waits for it, or shows how far it is. */
import type { RegistryConnection } from '@secreg/client'
import { type RotateResponse, type RotationInfo, STATUS } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { startProgress } from '../progress.ts'
import { formatPairs } from '../table.ts'

/** How often the daemon is asked, milliseconds: often at first, for a small registry is done at once. */
const ASK_FIRST_MS = 50
const ASK_LAST_MS = 1000

export async function run(context: Context): Promise<number> {
  const [wait, status] = [context.flag('wait'), context.flag('status')]
  if (wait && status) throw new CliError('INVALID_ARGUMENT', 'give --wait or --status')
  const answer = await context.withRegistry('needed', async (registry) => {
    const begun = await registry.rotate({ op: status ? 'status' : 'start' })
    return wait ? await waitFor(context, registry, begun) : begun
  })
  await context.print(answer, () => (status ? report(answer) : ''))
  const { rotation } = answer
  if (rotation?.phase === 'blocked') {
    await context.note(
      `${rotation.unreadable} values cannot be opened and keep their old key; see: sreg security check`,
    )
    return STATUS.CryptoError
  }
  if (!status && rotation !== undefined) {
    await context.note('it goes on in the background; see: sreg rotate --status')
  }
  return STATUS.Success
}

async function waitFor(
  context: Context,
  registry: RegistryConnection,
  begun: RotateResponse,
): Promise<RotateResponse> {
  const bar = await startProgress(context, 'Sealing anew', begun.rotation?.total ?? 0)
  let answer = begun
  try {
    for (let pauseMs = ASK_FIRST_MS; isRunning(answer.rotation); ) {
      bar.update(answer.rotation?.done ?? 0)
      await new Promise((resume) => setTimeout(resume, pauseMs))
      pauseMs = Math.min(2 * pauseMs, ASK_LAST_MS)
      answer = { ...(await registry.rotate({ op: 'status' })), started: begun.started }
    }
  } finally {
    bar.stop()
  }
  return answer
}

function isRunning(rotation: RotationInfo | undefined): boolean {
  return rotation !== undefined && rotation.phase !== 'blocked'
}

const PHASES: Readonly<Record<RotationInfo['phase'], string>> = {
  values: 'sealing values anew',
  check: 'looking for what was moved meanwhile',
  erase: 'removing old bytes from the files',
  blocked: 'ended: some values cannot be opened',
}

function report({ epoch, rotation }: RotateResponse): string {
  return formatPairs([
    ['Epoch', String(epoch)],
    ['Rotation', rotation === undefined ? 'none' : PHASES[rotation.phase]],
    ['Entries', rotation === undefined ? undefined : `${rotation.done} of ${rotation.total}`],
    ['Unreadable', rotation?.unreadable === undefined ? undefined : String(rotation.unreadable)],
  ])
}
