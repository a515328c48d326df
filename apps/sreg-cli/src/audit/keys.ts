/** `sreg audit keys|rotate-key`: whose signatures the log bears. */
import type { AuditKeyInfo } from '@secreg/protocol'
import { confirmOnTerminal } from '../confirm.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatTable } from '../table.ts'
import { ask } from './proofs.ts'

const MEANT =
  'The audit log will be signed with a new key. Who verifies it with a key of before needs the file of its checkpoints.'

export async function keys(context: Context): Promise<undefined> {
  const found = keysIn(await ask(context, { op: 'keys' }))
  await context.print({ keys: found }, () =>
    formatTable(
      ['Key', 'Records', 'State'],
      found.map(({ key, from, current }) => [
        key,
        `from ${from + 1} on`,
        current ? 'current' : 'handed over',
      ]),
    ),
  )
}

export async function rotateKey(context: Context): Promise<undefined> {
  await confirmOnTerminal(context, MEANT)
  const found = keysIn(await ask(context, { op: 'rotate-key' }))
  const key = found.find(({ current }) => current)?.key
  if (key === undefined) throw new CliError('INTERNAL', 'the daemon told no current key')
  await context.print({ keys: found }, () => key)
  await context.note('this is the key from now on; keep it where the log is verified')
}

function keysIn({
  keys: found,
}: {
  readonly keys?: readonly AuditKeyInfo[]
}): readonly AuditKeyInfo[] {
  if (found !== undefined) return found
  throw new CliError('INTERNAL', 'the daemon told no keys')
}
