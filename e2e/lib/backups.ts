/** Daemons that unlock themselves, and backups of them by the command and over the wire. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { type Child, cleanEnv, startChild } from '@secreg/testkit'
import { expect } from 'vitest'
import { SREG } from '../cli/desk.ts'
import { ADMIN, PASSPHRASE, PASSWORD, Site, type SiteOptions } from './site.ts'
import type { Wire } from './wire.ts'

/** A site that unlocks itself, so that a killed daemon goes on. */
export function openSite(options: SiteOptions = {}): Site {
  const site = new Site()
  const key = site.home.write('key', randomBytes(32))
  const { config = '', ...rest } = options
  site.configure({ ...rest, config: `[unlock]\nkey_file = ${JSON.stringify(key)}\n${config}` })
  return site
}

export const scheduled = (directory: string, more = ''): string =>
  `[backup]\ndirectory = ${JSON.stringify(directory)}\n${more}\n`

export function env(site: Site): NodeJS.ProcessEnv {
  return cleanEnv({ SECREG_SOCKET: site.socket, XDG_RUNTIME_DIR: site.home.file('run') })
}

export function sreg(site: Site, args: readonly string[], input = ''): Child {
  return startChild(process.execPath, [SREG, ...args], { env: env(site), input })
}

export async function ok(site: Site, args: readonly string[], input = ''): Promise<string> {
  const child = sreg(site, args, input)
  const { code } = await child.exit
  expect({ code, stderr: child.stderr() }, args.join(' ')).toMatchObject({ code: 0 })
  return child.stdout()
}

export const login = (site: Site): Promise<string> =>
  ok(site, ['login', ADMIN, '--password-stdin'], `${PASSWORD}\n`)

/** Require that a file is a whole backup. */
export async function verify(site: Site, file: string): Promise<void> {
  await ok(site, ['backup', 'verify', file, '--password-stdin'], `${PASSPHRASE}\n`)
}

/** Read a backup over the wire; `pause` comes before each piece. */
export async function readBackup(
  wire: Wire,
  pause: () => Promise<void> = async () => {},
): Promise<{ file: Buffer; revision: number }> {
  const { backup, revision } = await wire.ok('backup', { op: 'begin' })
  const pieces: Buffer[] = []
  for (;;) {
    await pause()
    const { data, last } = await wire.ok('backup', { op: 'read', backup })
    pieces.push(Buffer.from(data, 'base64'))
    if (last) return { file: Buffer.concat(pieces), revision }
  }
}

export async function restoreAll(wire: Wire, file: Buffer): Promise<void> {
  const { restore } = await wire.ok('restore', { op: 'begin', size: file.length })
  for (let at = 0; at < file.length; at += 400_000) {
    const data = file.subarray(at, at + 400_000).toString('base64')
    await wire.ok('restore', { op: 'stage', restore, data })
  }
  const proof = { passphrase: PASSPHRASE }
  await wire.ok('restore', { op: 'commit', restore, only: '/', proof })
}

export async function valuesOf(wire: Wire): Promise<[string, string][]> {
  const { keys } = await wire.ok('list', { prefix: '/', recursive: true })
  const values: [string, string][] = []
  for (const key of keys) {
    values.push([key, (await wire.ok('get', { key, decrypt: true })).value])
  }
  return values
}

export async function fillStore(wire: Wire, count = 80): Promise<void> {
  for (let i = 0; i < count; i++) {
    await wire.ok('set', { key: `/l/${i}`, value: 'L'.repeat(60_000), encrypt: i % 2 === 0 })
  }
}

export const names = (directory: string): string[] => readdirSync(directory).sort()

export const backupsIn = (directory: string): string[] =>
  existsSync(directory) ? names(directory).filter((name) => name.endsWith('.backup')) : []

/** A moment that is nobody's: where a kill falls. */
export const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms))

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now()
  await work()
  return performance.now() - since
}
