/** Backups taken over the socket, and the commands that work on a store while no daemon does. */
import { writeFileSync } from 'node:fs'
import { type Finished, runNode } from '@secreg/testkit'
import { SECREGD } from './site.ts'
import type { Wire } from './wire.ts'

/** Take a backup of the registry behind a connection. */
export async function takeBackup(
  admin: Wire,
  file: string,
): Promise<{ id: string; revision: number }> {
  const { backup, id, revision } = await admin.ok('backup', { op: 'begin' })
  const pieces: Buffer[] = []
  for (let last = false; !last; ) {
    const piece = await admin.ok('backup', { op: 'read', backup })
    pieces.push(Buffer.from(piece.data, 'base64'))
    last = piece.last
  }
  writeFileSync(file, Buffer.concat(pieces), { mode: 0o600 })
  return { id, revision }
}

/** Run `secregd COMMAND … --password-stdin` with these lines as its input. */
export function offline(args: readonly string[], ...lines: readonly string[]): Promise<Finished> {
  return runNode(SECREGD, [...args, '--password-stdin'], {
    input: lines.map((line) => `${line}\n`).join(''),
    timeoutMs: 120_000,
  })
}
