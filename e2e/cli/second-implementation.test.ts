/**
 * `tools/open-secreg.py`, which knows nothing but docs/formats.md, opens what real processes made: an export that `sreg`
 * wrote, and a backup of the store that `secregd` left.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeBackup } from '@secreg/backup'
import { deriveSubkey, openSeal, portableSeal } from '@secreg/crypto'
import { nodeBackend as backend, createScryptPool } from '@secreg/crypto/node'
import { LevelEngine } from '@secreg/storage'
import { requirePython, runChild } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { PASSPHRASE } from '../lib/site.ts'
import { Desk } from './desk.ts'

const PROGRAM = fileURLToPath(new URL('../../tools/open-secreg.py', import.meta.url))
const EXPORT_PASSPHRASE = 'another passphrase for travel'

interface Shown {
  readonly path: string
  readonly type: string
  readonly version: number
  readonly encrypted: boolean
  readonly state: string
  readonly value: string | null
}

/** What is set, in this order; the last value of a path is what both files must show. */
const VALUES: readonly (readonly [path: string, type: string, encrypt: boolean, value: string])[] =
  [
    ['/app/web/port', 'integer', false, '8080'],
    ['/app/web/port', 'integer', false, '-9223372036854775808'],
    ['/app/web/token', 'string', true, 'first'],
    ['/app/web/token', 'string', true, 'secret123 – ž\n\ttab "quoted" \\ \u007f\u2028'],
    ['/app/web/debug', 'boolean', false, 'true'],
    ['/app/web/config', 'json', true, '{"a" : [1, 2.50, "\\u017e"]}'],
    ['/app/key', 'bytes', true, Buffer.from([0, 1, 127, 128, 255]).toString('base64')],
    ['/app/long', 'string', true, 'long '.repeat(3000)],
    ['/app/plain', 'string', false, 'plain '.repeat(3000)],
    ['/země/klíč', 'string', true, ''],
  ]

test('an export and a backup of a real store open elsewhere, with equal values', async (context) => {
  const python = requirePython(context, 'cryptography')
  await using desk = new Desk()
  await desk.open()
  for (const [path, type, encrypt, value] of VALUES) {
    const args = ['set', path, '-', '--type', type, ...(encrypt ? ['--encrypt'] : [])]
    const input = type === 'bytes' ? Buffer.from(value, 'base64') : value
    expect(await desk.sreg(args, input)).toMatchObject({ code: 0, stderr: '' })
  }
  const exported = await desk.sreg(
    ['export', '--encrypt', '--password-stdin', '--output', desk.path('registry.secreg')],
    `${EXPORT_PASSPHRASE}\n`,
  )
  expect(exported).toMatchObject({ code: 0 })
  await desk.stop()
  await backUp(desk.site.data, desk.path('registry.backup'))

  const run = (file: string, passphrase: string) =>
    runChild(python, ['-I', PROGRAM, '--json', desk.path(file)], { input: `${passphrase}\n` })
  const open = async (file: string, passphrase: string): Promise<Shown[]> => {
    const { code, stdout, stderr } = await run(file, passphrase)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as Shown)
  }

  const last = new Map(VALUES.map((row) => [row[0], row]))
  const expected = [...last.values()]
    .map(([path, type, encrypted, value]) => ({ path, type, encrypted, value }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  const active = (shown: readonly Shown[]) =>
    shown
      .filter(({ state }) => state === 'active')
      .map(({ path, type, encrypted, value }) => ({ path, type, encrypted, value }))

  expect(active(await open('registry.secreg', EXPORT_PASSPHRASE))).toEqual(expected)
  const whole = await open('registry.backup', PASSPHRASE)
  expect(active(whole)).toEqual(expected)
  const older = whole
    .filter(({ state }) => state === 'kept')
    .map(({ path, value }) => [path, value])
  expect(older).toEqual([
    ['/app/web/port', '8080'],
    ['/app/web/token', 'first'],
  ])

  for (const file of ['registry.secreg', 'registry.backup']) {
    expect(await run(file, 'a wrong passphrase')).toMatchObject({ code: 2, stdout: '' })
  }
})

/** Make a backup of a store that no daemon has open. */
async function backUp(directory: string, path: string): Promise<void> {
  await using pool = createScryptPool()
  await using engine = await LevelEngine.open(directory)
  const row = await engine.get('s/header')
  const header: unknown = JSON.parse(new TextDecoder().decode(row?.value))
  const credential = { kind: 'passphrase', passphrase: PASSPHRASE } as const
  const { rootKey } = await openSeal(header, credential, { backend, scrypt: pool.scrypt })
  const snapshot = engine.snapshot()
  const pieces: Uint8Array[] = []
  const file = writeBackup({
    seal: portableSeal(header, deriveSubkey(rootKey, 'seal-header', backend), { backend }),
    backupKey: deriveSubkey(rootKey, 'backup', backend),
    generation: engine.generation,
    revision: snapshot.revision,
    createdAtMs: Date.now(),
    meta: {},
    rows: snapshot.iterate({}),
    backend,
  })
  for await (const piece of file) pieces.push(piece)
  await snapshot.close()
  rootKey.fill(0)
  writeFileSync(path, Buffer.concat(pieces), { mode: 0o600 })
}
