/** `sreg import --format libvirt`: the directory of libvirt, in the clear and encrypted, into a real registry. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { chmodSync, existsSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { formatSecretXml, type SecretDefinition } from '@secreg/libvirt'
import { connectLibvirt } from '@secreg/libvirt/node'
import { createCanary, findCanary, skipTest, waitFor } from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { expect, test, vi } from 'vitest'
import { Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const KEY = randomBytes(32)
const OTHER_KEY = randomBytes(32)

const uuidNumber = (number: number): string =>
  `11111111-1111-4111-8111-${String(number).padStart(12, '0')}`
const [A, B, C, D] = [uuidNumber(1), uuidNumber(2), uuidNumber(3), uuidNumber(4)] as const

/** Write a definition; by default of a tls secret of the name of its UUID. */
function define(desk: Desk, number: number, more: Partial<SecretDefinition> = {}): string {
  const uuid = uuidNumber(number)
  const usage = { type: 'tls', id: `tls-${number}` } as const
  const xml = formatSecretXml({ uuid, usage, ephemeral: false, private: false, ...more })
  desk.file(`virt/${uuid}.xml`, xml)
  return uuid
}

function plain(desk: Desk, number: number, value: string | Uint8Array): void {
  desk.file(`virt/${uuidNumber(number)}.base64`, Buffer.from(value).toString('base64'))
}

/** As libvirt 12.1 and newer write it: base64 of a random IV and AES-256-CBC of the value. */
function sealed(value: string | Uint8Array, key: Uint8Array): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  return Buffer.concat([iv, cipher.update(value), cipher.final()]).toString('base64')
}

function encrypted(desk: Desk, number: number, text: string): void {
  desk.file(`virt/${uuidNumber(number)}.aes256cbc`, text)
}

/** Whether a key opens it, be it by chance. */
function opens(text: string, key: Uint8Array): boolean {
  const bytes = Buffer.from(text, 'base64')
  const decipher = createDecipheriv('aes-256-cbc', key, bytes.subarray(0, 16))
  try {
    return decipher.update(bytes.subarray(16)).length + decipher.final().length > 0
  } catch {
    return false
  }
}

const metaOf = async (desk: Desk, uuid: string): Promise<Record<string, unknown>> =>
  JSON.parse(await desk.ok(`sreg meta get /libvirt/${uuid} --json`))

const secretOf = (desk: Desk, uuid: string): Promise<string> =>
  desk.ok(`sreg get /libvirt/${uuid} --decrypt --raw`)

const libvirtRecords = (desk: Desk): string[] =>
  desk.site.records().flatMap(({ body }) => {
    const { detail } = body as { readonly detail?: unknown }
    return typeof detail === 'string' && detail.startsWith('libvirt ') ? [detail] : []
  })

test('in the clear: every secret is here as it was there, and a second import changes nothing', async () => {
  const canary = createCanary()
  await using desk = await openDesk()
  define(desk, 1, { description: 'of <the> "web"', usage: { type: 'volume', id: '/dev/vg/ü' } })
  plain(desk, 1, canary)
  define(desk, 2, { private: true, usage: { type: 'ceph', id: 'client.admin secret' } })
  plain(desk, 2, `private ${canary}`)
  define(desk, 3, { usage: { type: 'none', id: '' } })
  define(desk, 4, { usage: { type: 'iscsi', id: 'iqn.2013-07.com.example:iscsi-pool' } })
  plain(
    desk,
    4,
    Uint8Array.from({ length: 65_536 }, (_, at) => at & 0xff),
  )
  define(desk, 5, { ephemeral: true })
  desk.file(`virt/${uuidNumber(6)}.xml`, '<domain/>')
  desk.file('virt/README', 'not a secret')
  const table = `Change  Secret                                Parts              Use
    create  ${A}  definition, value  volume "/dev/vg/ü"
    create  ${B}  definition, value  ceph "client.admin secret"
    create  ${C}  definition         -
    create  ${D}  definition, value  iscsi "iqn.2013-07.com.example:iscsi-pool"
    ! sreg: "${uuidNumber(5)}.xml": the secret is ephemeral; it was skipped
    ! sreg: "${uuidNumber(6)}.xml": not the definition of a secret`
  await desk.transcript(`
    $ sreg import virt --format libvirt --dry-run
    ${table}
    ! sreg: 4 secrets would be imported, 0 would stay; skipped: 1 ephemeral; problems: 1; nothing was changed
    [1]
    $ sreg list /libvirt
  `)
  expect(libvirtRecords(desk)).toEqual([])
  await desk.transcript(`
    $ sreg import virt --format libvirt
    ${table}
    ! sreg: 4 secrets imported, 0 unchanged; skipped: 1 ephemeral; problems: 1
    [1]
  `)
  expect(libvirtRecords(desk).sort()).toEqual([
    ...Array.from({ length: 4 }, () => 'libvirt define'),
    ...Array.from({ length: 3 }, () => 'libvirt set-value'),
  ])
  const before = libvirtRecords(desk).length
  const again = await desk.sreg(['import', desk.path('virt'), '--format', 'libvirt', '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({
    imported: 0,
    updated: 0,
    unchanged: 4,
    changes: [],
  })
  expect(libvirtRecords(desk)).toHaveLength(before)

  expect(await metaOf(desk, A)).toMatchObject({
    ...{ type: 'bytes', encrypted: true, private: false, ephemeral: false, active: 1 },
    ...{ description: 'of <the> "web"', dialect: 'libvirt' },
    custom: { usage_type: 'volume', usage_id: '/dev/vg/ü' },
  })
  expect(await metaOf(desk, B)).toMatchObject({ private: true })
  expect(await metaOf(desk, C)).toMatchObject({ active: 0, custom: {} })
  expect(await secretOf(desk, A)).toBe(canary)
  expect(await secretOf(desk, B)).toBe(`private ${canary}`)
  await desk.fails(`sreg get /libvirt/${C} --decrypt`, 2, /./)
  const large = await desk.ok(`sreg get /libvirt/${D} --decrypt`)
  expect(Buffer.from(large, 'base64')).toHaveLength(65_536)

  await desk.stop()
  const found = findCanary(canary, desk.site.data, desk.site.audit)
  expect(found).toEqual([])
  expect(desk.daemon?.stderr()).not.toContain(canary)
})

test('encrypted: with the key all comes in; with another one nothing, not even what it opens', async () => {
  await using desk = await openDesk()
  const [right, wrong] = [desk.file('key', KEY), desk.file('other-key', OTHER_KEY)]
  for (const file of [right, wrong]) chmodSync(file, 0o600)
  define(desk, 1)
  let text = sealed('one', KEY)
  // One of 256 that another key opens all the same, and what comes out is noise.
  while (!opens(text, OTHER_KEY)) text = sealed('one', KEY)
  encrypted(desk, 1, text)
  define(desk, 2)
  do text = sealed('two', KEY)
  while (opens(text, OTHER_KEY))
  encrypted(desk, 2, text)
  define(desk, 3)
  plain(desk, 3, 'three')
  for (const more of ['', ' --dry-run', ' --force']) {
    await desk.transcript(`
      $ sreg import virt --format libvirt --key other-key${more}
      ! sreg: not encrypted with this key, or damaged: "${B}.aes256cbc"; nothing was imported
      ! {any}
      [8]
    `)
  }
  await desk.fails('sreg import virt --format libvirt', 1, /encrypted: .* and|give --key FILE/)
  chmodSync(right, 0o640)
  await desk.fails('sreg import virt --format libvirt --key key', 3, /is not a private regular/)
  chmodSync(right, 0o600)
  desk.file('short-key', KEY.subarray(1))
  await desk.fails(
    'chmod 600 short-key; sreg import virt --format libvirt --key short-key',
    1,
    /32/,
  )
  expect(libvirtRecords(desk)).toEqual([])
  expect(await desk.ok('sreg list /libvirt')).toBe('')

  await desk.transcript(`
    $ sreg import virt --format libvirt --key key
    {lines}
    ! sreg: 3 secrets imported, 0 unchanged
    $ sreg import virt --format libvirt --key key
    ! sreg: 0 secrets imported, 3 unchanged
  `)
  expect(await secretOf(desk, A)).toBe('one')
  expect(await secretOf(desk, B)).toBe('two')
  expect(await secretOf(desk, C)).toBe('three')
})

test('one use of two secrets, in the directory and here; what differs, and --force', async () => {
  const canary = createCanary()
  await using desk = await openDesk()
  const usage = { type: 'vtpm', id: 'domain' } as const
  for (const number of [1, 2]) {
    define(desk, number, { usage })
    plain(desk, number, canary)
  }
  define(desk, 3)
  plain(desk, 3, 'three')
  await desk.transcript(`
    $ sreg import virt --format libvirt --force
    {lines}
    ! sreg: ${A}: ${B} there has its use too
    ! sreg: ${B}: ${A} there has its use too
    ! sreg: 1 secret imported, 0 unchanged; problems: 2
    [5]
    $ rm virt/${A}.*
    $ sreg import virt --format libvirt
    {lines}
    ! sreg: 1 secret imported, 1 unchanged
    $ rm virt/${B}.*
  `)
  define(desk, 1, { usage })
  await desk.transcript(`
    $ sreg import virt --format libvirt --force
    ! sreg: ${A}: ${B} here has its use
    ! sreg: 0 secrets imported, 1 unchanged; problems: 1
    [5]
    $ rm virt/${A}.*
  `)
  define(desk, 3, { description: 'newer', private: true })
  plain(desk, 3, canary)
  await desk.transcript(`
    $ sreg import virt --format libvirt
    ! sreg: ${C}: another description, private, value here; --force overwrites
    ! sreg: 0 secrets imported, 0 unchanged; problems: 1
    [5]
    $ sreg import virt --format libvirt --force --dry-run
    Change  Secret                                Parts                        Use
    update  ${C}  description, private, value  tls "tls-3"
    ! sreg: 0 secrets would be imported, 0 would stay; 1 would be updated; nothing was changed
    $ sreg get /libvirt/${C} --decrypt --raw | grep -x three
    three
    $ sreg import virt --format libvirt --force
    {lines}
    ! sreg: 0 secrets imported, 0 unchanged; 1 updated
    $ sreg get /libvirt/${C} --decrypt --raw --version 1 | grep -x three
    three
  `)
  expect(await secretOf(desk, C)).toBe(canary)
  expect(await metaOf(desk, C)).toMatchObject({ private: true, description: 'newer', active: 2 })
  define(desk, 3, { description: 'newer' })
  await desk.transcript(`
    $ sreg import virt --format libvirt --force
    ! sreg: ${C}: it is private here, and stays so
    ! sreg: 0 secrets imported, 0 unchanged; problems: 1
    [5]
    $ sreg delete /libvirt/${C}
    {lines}
    $ sreg import virt --format libvirt --force
    ! sreg: ${C}: it was deleted here; "sreg undelete" brings it back
    ! sreg: 0 secrets imported, 0 unchanged; problems: 1
    [2]
  `)
})

test('a client of libvirt has them as they were', async (context) => {
  const problem = nativeProblem()
  if (problem !== undefined) return skipTest(context, problem)
  await using desk = new Desk()
  const socket = desk.path('libvirt.sock')
  desk.site.configure({ config: `[libvirt]\nsocket = ${JSON.stringify(socket)}` })
  await desk.open()
  await desk.ok(`sreg user uids "$ADMIN" ${process.geteuid?.()}`)
  // Whoever is mapped anew has no session any more.
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  const usages = [
    { type: 'none', id: '' },
    { type: 'volume', id: '/dev/vg/ü <x>' },
    { type: 'ceph', id: 'client.admin secret' },
    { type: 'iscsi', id: 'iqn.2013-07.com.example:iscsi-pool' },
    { type: 'tls', id: 'vnc' },
    { type: 'vtpm', id: 'domain' },
  ] as const
  for (const [number, usage] of usages.entries()) {
    define(desk, number, { usage, description: `"${number}"`, private: number === 2 })
    if (number > 0) plain(desk, number, `value ${number}`)
  }
  await desk.ok('sreg import virt --format libvirt')
  await using registry = await connectLibvirt({ socket })
  const listed = await registry.list()
  expect(listed.map(({ uuid, usage }) => ({ uuid, usage }))).toMatchObject(
    usages.map((usage, number) => ({ uuid: uuidNumber(number), usage })),
  )
  for (const [number, secret] of listed.entries()) {
    expect(await secret.describe()).toMatchObject({
      description: `"${number}"`,
      private: number === 2,
      ephemeral: false,
    })
    const refusal = [66, undefined, 65][number]
    if (refusal !== undefined) {
      await expect(secret.getValue()).rejects.toMatchObject({ code: refusal })
    } else expect(Buffer.from(await secret.getValue()).toString()).toBe(`value ${number}`)
  }
  // No client of libvirt is given what is private; the registry's own door has it.
  expect(await secretOf(desk, B)).toBe('value 2')
  const found = await registry.getByUsage('volume', '/dev/vg/ü <x>')
  expect(found.uuid).toBe(A)

  // What it changes is no longer what is in the directory.
  await found.setValue(Buffer.from('changed'))
  await desk.transcript(`
    $ sreg import virt --format libvirt
    ! sreg: ${A}: another value here; --force overwrites
    ! sreg: 0 secrets imported, 5 unchanged; problems: 1
    [5]
  `)
})

/** A way to the daemon that lets so many bytes through and holds those behind them. */
async function gateBefore(path: string, target: string): Promise<Gate> {
  const sockets = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY
  let isHolding = false
  const server = createServer((client) => {
    const daemon = connect(target)
    for (const [one, other] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.once('close', () => other.destroy())
    }
    daemon.on('data', (chunk) => client.write(chunk))
    client.on('data', (chunk) => {
      left -= chunk.length
      if (left >= 0) daemon.write(chunk)
      else isHolding = true
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    holdAfter: (bytes) => {
      left = bytes
      isHolding = false
    },
    isHolding: () => isHolding,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Gate extends AsyncDisposable {
  holdAfter(bytes: number): void
  isHolding(): boolean
}

test('broken off by a signal and by the daemon, and gone on with', async () => {
  await using desk = await openDesk()
  for (let number = 1; number <= 60; number++) {
    define(desk, number)
    plain(desk, number, `value ${number}`)
  }
  await using gate = await gateBefore(desk.path('gate'), desk.site.socket)
  const socket = desk.path('gate')
  await desk.ok(`sreg login "$ADMIN" --password-stdin --socket ${socket} < password`)
  const args = ['import', desk.path('virt'), '--format', 'libvirt', '--socket', socket]
  gate.holdAfter(20_000)
  const first = desk.launch(args)
  await waitFor(gate.isHolding, { timeoutMs: 40_000, what: 'a request that is held' })
  first.signal('SIGINT')
  expect(await first.exit).toEqual({ code: null, signal: 'SIGINT' })
  expect(first.stdout()).toBe('')
  const told = /^sreg: stopped: (\d+) of 60 secrets are done, (\d+) were written; run it again,/
  expect(first.stderr()).toMatch(told)
  const [, done] = told.exec(first.stderr()) ?? []
  expect(Number(done)).toBeGreaterThan(0)

  gate.holdAfter(20_000)
  const second = desk.launch(args)
  await waitFor(gate.isHolding, { timeoutMs: 40_000, what: 'a request that is held' })
  await desk.daemon?.kill('SIGKILL')
  expect(await second.exit).toMatchObject({ code: 6 })
  expect(second.stderr()).toMatch(/of 60 secrets are done, \d+ were written\n.*run it again, and/)
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  const last = await desk.sreg(['import', desk.path('virt'), '--format', 'libvirt', '--json'])
  const { imported, updated, unchanged } = JSON.parse(last.stdout)
  expect(imported + updated + unchanged).toBe(60)
  expect(unchanged).toBeGreaterThanOrEqual(Number(done))
  expect(await desk.ok('sreg list /libvirt | wc -l')).toMatch(/^\s*60\s*$/)
  for (const number of [1, 30, 60]) {
    expect(await secretOf(desk, uuidNumber(number))).toBe(`value ${number}`)
  }
  expect(existsSync(desk.path(`virt/${A}.xml`))).toBe(true)
})
