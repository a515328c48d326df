/** The files of an audit log, and what an outsider with a public key makes of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { verifyDirectory } from '@secreg/audit'
import type { LogVerifyResult } from '@secreg/audit/verify'
import { waitFor } from '@secreg/testkit'
import type { Site } from './site.ts'
import type { Wire } from './wire.ts'

/** The key in force, as text (C2SP signed-note). */
export async function vkeyOf(wire: Wire): Promise<string> {
  const { keys } = await wire.ok('evidence', { op: 'keys' })
  return keys.find(({ current }: { current: boolean }) => current).key
}

/** A checkpoint of now, to be kept elsewhere. */
export async function checkpointOf(wire: Wire): Promise<string> {
  return (await wire.ok('evidence', { op: 'checkpoint' })).checkpoint
}

/** Verify the log of a daemon that is stopped. */
export function verifyStopped(
  { audit }: Pick<Site, 'audit'>,
  key: string,
  outside: readonly string[] = [],
): Promise<LogVerifyResult> {
  return verifyDirectory(audit, { keys: [key], outside })
}

/** Every file of a log with its content; what is compressed, as it is and also as it was. */
export function filesOf(directory: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(directory)) {
    const bytes = readFileSync(join(directory, name))
    files.set(name, bytes)
    if (name.endsWith('.gz')) files.set(`${name} inflated`, gunzipSync(bytes))
  }
  return files
}

/** Numbers of the segments that have a file of a kind. */
export function segmentsWith(directory: string, kind: string): number[] {
  return readdirSync(directory)
    .flatMap((name) => (name.endsWith(`.${kind}`) ? Number.parseInt(name, 10) : []))
    .sort((a, b) => a - b)
}

/** Make a record, for only behind a synced one is a segment closed, and wait until all but the last are compressed. */
export async function allCompressed(wire: Wire, directory: string): Promise<void> {
  await wire.ok('list', { prefix: '/' })
  await waitFor(() => segmentsWith(directory, 'jsonl').length === 1, {
    what: 'the closed segments to be compressed',
    timeoutMs: 20_000,
  })
}
