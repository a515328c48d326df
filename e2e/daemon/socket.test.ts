/** The socket file: what is in its way is left alone, and it is never wider than configured. */
import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { startChild, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, Site, startSite } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

test('weakness 11: a file, link, directory or live socket at the path is left untouched', async () => {
  const cases: [string, (path: string) => Promise<() => void> | (() => void)][] = [
    [
      'a file that is not a socket',
      (path) => {
        writeFileSync(path, 'precious')
        return () => expect(readFileSync(path, 'utf8')).toBe('precious')
      },
    ],
    [
      'a symbolic link',
      (path) => {
        writeFileSync(`${path}.target`, 'precious')
        symlinkSync(`${path}.target`, path)
        return () => {
          expect(readlinkSync(path)).toBe(`${path}.target`)
          expect(readFileSync(path, 'utf8')).toBe('precious')
        }
      },
    ],
    [
      'a symbolic link',
      (path) => {
        symlinkSync('/nowhere', path)
        return () => expect(readlinkSync(path)).toBe('/nowhere')
      },
    ],
    [
      'a directory',
      (path) => {
        mkdirSync(path)
        return () => expect(statSync(path).isDirectory()).toBe(true)
      },
    ],
    [
      'another server answers here',
      async (path) => {
        const server = createServer((socket) => {
          socket.on('error', () => {})
          socket.end('mine')
        })
        await new Promise<void>((resolve) => server.listen(path, resolve))
        const { ino } = statSync(path)
        return () => {
          expect(statSync(path).ino).toBe(ino)
          expect(server.listening).toBe(true)
          server.close()
        }
      },
    ],
  ]
  for (const [why, place] of cases) {
    await using site = new Site()
    const check = await place(site.socket)
    const child = site.launch()
    expect((await child.exit).code, why).toBe(1)
    expect(child.stderr()).toContain(site.socket)
    expect(child.stderr()).toContain(why)
    check()
  }
})

test('a dead socket of this user is replaced', async () => {
  await using running = await startSite()
  await running.daemon.kill('SIGKILL')
  expect(statSync(running.site.socket).isSocket()).toBe(true)
  await running.site.start()
  using wire = await running.site.unlock()
  expect(await wire.ok('whoami', {})).toMatchObject({ user: ADMIN })
})

test('two daemons on one home: the second says why and harms nothing', async () => {
  await using running = await startSite()
  const { site, admin } = running
  await admin.ok('set', { key: '/a', value: 'kept' })
  const same = site.launch()
  expect((await same.exit).code).toBe(7)
  expect(same.stderr()).toContain(`${site.data}: another process has this store open`)
  // Also when only the store is shared, and when only the socket is.
  const text = readFileSync(site.config, 'utf8')
  const { socket, data, audit } = site
  const store = site.home.write('store.toml', text.replace(`"${socket}"`, `"${socket}2"`))
  const second = site.launch({ file: store })
  expect((await second.exit).code).toBe(7)
  expect(second.stderr()).toContain(`${data}: another process has this store open`)
  const door = site.home.write(
    'door.toml',
    text.replace(`"${data}"`, `"${data}2"`).replace(`"${audit}"`, `"${audit}2"`),
  )
  const third = site.launch({ file: door })
  expect((await third.exit).code).toBe(1)
  expect(third.stderr()).toContain(`${socket}: another server answers here`)
  expect(await admin.ok('get', { key: '/a' })).toMatchObject({ value: 'kept' })
  using wire = await Wire.open(site.socket)
  expect(await wire.ok('status', {})).toMatchObject({ status: 'running' })
})

test('weakness 12: an over-long socket path is an error, not another path', async () => {
  await using site = new Site()
  const directory = site.home.file('d'.repeat(60))
  mkdirSync(directory, { mode: 0o700 })
  const path = `${directory}/${'s'.repeat(60)}`
  site.home.write(
    'config.toml',
    readFileSync(site.config, 'utf8').replace(`path = "${site.socket}"`, `path = "${path}"`),
  )
  const child = site.launch()
  expect((await child.exit).code).toBe(1)
  expect(child.stderr()).toMatch(
    /config\.toml:\d+: socket\.path: expected an absolute path of at most 107 bytes/,
  )
  expect(() => statSync(path.slice(0, 107))).toThrow('ENOENT')
  expect(() => statSync(site.data)).toThrow('ENOENT')
})

/** Prints every mode that a path is ever seen with, as fast as one process can look. */
const WATCHER = `
const { statSync } = require('node:fs')
const path = process.argv[1]
const seen = new Set()
let looks = 0
process.stdin.on('data', () => {}).on('end', () => { done = true })
let done = false
const look = () => {
  for (let i = 0; i < 2000; i++) {
    const facts = statSync(path, { throwIfNoEntry: false })
    if (facts !== undefined) seen.add((facts.mode & 0o7777).toString(8))
  }
  looks += 2000
  if (looks === 2000) console.log('watching')
  if (done) console.log(JSON.stringify({ seen: [...seen] }))
  else setImmediate(look)
}
look()
`

test('weakness 13: the socket never exists with a wider mode than configured', async () => {
  await using site = new Site()
  await using watcher = startChild(process.execPath, ['-e', WATCHER, site.socket], {
    keepInput: true,
  })
  await watcher.line(/watching/)
  for (let i = 0; i < 8; i++) {
    const daemon = await site.start({ umask: '000' })
    await daemon.kill(i % 2 === 0 ? 'SIGTERM' : 'SIGKILL')
  }
  watcher.process.stdin?.end()
  const { seen } = JSON.parse(await watcher.line(/seen/))
  expect(seen).toEqual(['600'])
})

test('a configured mode and group hold, whatever the umask', async () => {
  await using site = new Site()
  site.home.write(
    'config.toml',
    readFileSync(site.config, 'utf8').replace(
      'mode = "0600"',
      `mode = "0660"\ngroup = "${process.getgid?.()}"`,
    ),
  )
  for (const umask of ['000', '077', '777']) {
    const daemon = await site.start({ umask })
    expect((statSync(site.socket).mode & 0o7777).toString(8), umask).toBe('660')
    await daemon.kill('SIGTERM')
    await waitFor(() => statSync(site.socket, { throwIfNoEntry: false }) === undefined)
  }
})
