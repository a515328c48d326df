/** The main job: a machine's own settings in, encrypted out, everything destroyed, and in again. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { skipTest } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { ADMIN, PASSWORD } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'
import { Desk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const SOURCE = '/proc/sys'

/** Counters of what is in use right now (proc(5)): they may rise and fall between two looks. */
const COUNTER =
  /^fs\/(?:dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota\/)|^kernel\/(?:ns_last_pid|pty\/nr|random\/|keys\/)|_count$|^net\/.*_(?:entries|orphans)$/

interface Entry {
  readonly type: string
  readonly value: string
}

/** Readable, non-empty regular files below a directory, each read once. */
function readFiles(root: string, names: readonly string[] = []): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const child of readdirSync(join(root, ...names), { withFileTypes: true })) {
    const path = [...names, child.name]
    if (child.isDirectory()) {
      try {
        for (const [name, bytes] of readFiles(root, path)) files.set(name, bytes)
      } catch {}
    } else if (child.isFile()) {
      const bytes = readWhole(join(root, ...path))
      if (bytes !== undefined && bytes.length > 0) files.set(path.join('/'), bytes)
    }
  }
  return files
}

/** A file of /proc says that its size is 0, and may be writable only. */
function readWhole(path: string): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    const chunks: Buffer[] = []
    for (;;) {
      const chunk = Buffer.alloc(65_536)
      const size = readSync(fd, chunk)
      if (size === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, size))
    }
  } catch {
    return undefined
  } finally {
    closeSync(fd)
  }
}

/** What a file has to become: integer only where its text is one within 64 bits, else string, else bytes. */
function entryOf(bytes: Buffer): Entry {
  const text = bytes.toString('utf8')
  if (!Buffer.from(text).equals(bytes)) return { type: 'bytes', value: bytes.toString('base64') }
  const value = text.replace(/\n$/, '')
  const integer = /^(?:0|-?[1-9][0-9]*)$/.test(value) && BigInt.asIntN(64, BigInt(value))
  return { type: integer !== false && String(integer) === value ? 'integer' : 'string', value }
}

const entriesOf = (files: ReadonlyMap<string, Buffer>, prefix: string): Map<string, Entry> =>
  new Map([...files].map(([name, bytes]) => [`${prefix}/${name}`, entryOf(bytes)]))

/** Every entry of the registry, each by a request of its own. */
async function readRegistry(desk: Desk): Promise<Map<string, Entry>> {
  using wire = await Wire.login(desk.site.socket, ADMIN, PASSWORD)
  const keys = (await desk.ok('sreg list / --recursive')).trimEnd().split('\n')
  const entries = new Map<string, Entry>()
  for (const key of keys) {
    const { type, value } = await wire.ok('get', { key, decrypt: true })
    entries.set(key, { type, value })
  }
  return entries
}

/** Those of `entries` that `names` has too, sorted. */
const only = (entries: ReadonlyMap<string, Entry>, names: ReadonlyMap<string, unknown>) =>
  [...entries].filter(([key]) => names.has(key)).sort(([a], [b]) => (a < b ? -1 : 1))

test('/proc/sys comes back from an encrypted export after everything was destroyed', async (context) => {
  await using desk = new Desk()
  await desk.open()

  // A copy does not change: it is compared whole.
  const copied = readFiles(SOURCE)
  if (copied.size < 100) skipTest(context, `${SOURCE} has ${copied.size} readable files`)
  for (const [name, bytes] of copied) {
    mkdirSync(join(desk.path('copy'), name, '..'), { recursive: true })
    writeFileSync(join(desk.path('copy'), name), bytes)
  }
  const copy = entriesOf(copied, '/copy')
  await desk.ok('sreg import copy --format tree --prefix /copy')

  // The machine itself: what reads the same before, all the while, and after was that at import, too.
  const before = readFiles(SOURCE)
  const child = desk.launch(['import', SOURCE, '--format', 'tree', '--prefix', '/system'])
  const changed = new Set<string>()
  const seen = new Set(before.keys())
  let after = before
  do {
    await new Promise((resolve) => setImmediate(resolve))
    after = readFiles(SOURCE)
    for (const name of after.keys()) seen.add(name)
    for (const [name, bytes] of before) if (!after.get(name)?.equals(bytes)) changed.add(name)
  } while (!child.exited)
  expect(await child.exit, child.stderr()).toMatchObject({ code: 0 })
  expect(child.stdout()).toBe('')
  expect(child.stderr()).toMatch(/^sreg: \d+ imported, 0 unchanged(; skipped: [\w ,]+)?\n$/)
  const stable = entriesOf(
    new Map([...before].filter(([name]) => !changed.has(name) && !COUNTER.test(name))),
    '/system',
  )
  expect(stable.size).toBeGreaterThan(before.size * 0.9)

  await desk.ok('sreg set /secret/token - --encrypt', 'of great worth\n')
  await desk.ok('sreg set /secret/key - --type bytes --encrypt', '\0\x01\xff')

  const remembered = await readRegistry(desk)
  expect(only(remembered, copy)).toEqual(only(copy, copy))
  expect(only(remembered, stable)).toEqual(only(stable, stable))
  // What changes all the time is there as well, and nothing else is.
  const known = new Set([...copy.keys(), '/secret/token', '/secret/key'])
  for (const name of seen) known.add(`/system/${name}`)
  for (const name of before.keys()) {
    if (after.has(name)) expect(remembered.has(`/system/${name}`), name).toBe(true)
  }
  expect([...remembered.keys()].filter((key) => !known.has(key))).toEqual([])
  expect(new Set([...copy.values()].map(({ type }) => type)).size).toBeGreaterThan(1)

  await desk.ok('sreg export --encrypt --output all.secreg --password-stdin < passphrase')
  const sealed = readFileSync(desk.path('all.secreg'))
  expect(sealed.includes('great worth')).toBe(false)
  expect(sealed.includes('/system')).toBe(false)

  await desk.stop()
  rmSync(desk.site.data, { recursive: true })
  rmSync(desk.site.audit, { recursive: true })
  await desk.open()
  expect(await desk.ok('sreg list / --recursive')).toBe('')
  await desk.fails('sreg import all.secreg', 1, /is encrypted\n {2}give --decrypt/)
  expect(await desk.ok('sreg list / --recursive')).toBe('')
  await desk.ok('sreg import all.secreg --decrypt --password-stdin < passphrase')

  const restored = await readRegistry(desk)
  expect(restored.size).toBe(remembered.size)
  expect(only(restored, remembered)).toEqual(only(remembered, remembered))
  expect(only(restored, copy)).toEqual(only(copy, copy))
  // What was encrypted still is, and nothing else has become so.
  await desk.transcript(`
    $ sreg get /secret/token
    ! sreg: /secret/token is encrypted; --decrypt shows its value
    $ sreg get /secret/token --decrypt
    of great worth
    $ sreg get /secret/key --decrypt
    AAHDvw==
  `)
  const plain = await desk.ok('sreg export')
  expect(JSON.parse(plain).entries).toHaveLength(remembered.size - 2)
  // The same again changes nothing.
  expect(
    (await desk.sh('sreg import all.secreg --decrypt --password-stdin < passphrase')).stderr,
  ).toBe(`sreg: 0 imported, ${remembered.size} unchanged\n`)
})
