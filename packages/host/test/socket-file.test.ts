import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  watch,
} from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { assertSocketPath, HostError, listenUnix, type UnixListener } from '@secreg/host'
import { requireProgram, startChild } from '@secreg/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, makeHome } from './home.ts'

let home: Home
const servers: Server[] = []
beforeEach(() => {
  home = makeHome()
})
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close))
  home.remove()
})

function echo(name = 'x'): Server {
  // A client that only looks whether someone answers may be gone before it is answered.
  const server = createServer((socket) => socket.on('error', () => {}).end(name))
  servers.push(server)
  return server
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

async function ask(path: string): Promise<string> {
  let text = ''
  for await (const chunk of connect(path)) text += chunk
  return text
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o777

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    return HostError.is(error) ? error.code : String(error)
  }
  return 'no error'
}

/** Leave a socket that nobody listens on, as a killed process does. */
async function leaveDead(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  const child = spawn(process.execPath, ['-e', script])
  await once(child, 'close')
  expect(lstatSync(path).isSocket()).toBe(true)
}

describe('listenUnix', () => {
  it('listens, answers, and removes its file when it closes', async () => {
    const path = home.file('s')
    const server = echo('hello')
    await listenUnix(server, { path })
    expect(await ask(path)).toBe('hello')
    expect(readdirSync(home.path)).toEqual(['s'])
    await close(server)
    expect(readdirSync(home.path)).toEqual([])
  })

  it.each([
    ['600', 0o600],
    ['660', 0o660],
    ['666', 0o666],
    ['000', 0o000],
    ['777', 0o777],
  ])(
    'weakness 13: the socket has mode %s from its first moment, whatever the umask',
    async (_octal, mode) => {
      const path = home.file('s')
      const seen = new Set<number>()
      const watcher = watch(home.path, (_event, name) => {
        if (name === 's' && existsSync(path)) seen.add(modeOf(path))
      })
      for (const umask of [0, 0o777]) {
        const before = process.umask(umask)
        const server = echo()
        try {
          await listenUnix(server, { path, mode })
        } finally {
          process.umask(before)
        }
        expect(modeOf(path)).toBe(mode)
        await close(server)
      }
      watcher.close()
      for (const other of seen) expect(other).toBe(mode)
    },
  )

  it('weakness 13: what stands beside the socket until then is closed to others', async () => {
    const path = home.file('s')
    const server = echo()
    const seen: string[] = []
    server.once('listening', () => {
      for (const name of readdirSync(home.path)) {
        const kind = lstatSync(home.file(name)).isDirectory() ? 'directory' : 'socket'
        seen.push(`${kind} ${modeOf(home.file(name)).toString(8)}`)
      }
    })
    await listenUnix(server, { path, mode: 0o666 })
    expect(seen).toEqual(['directory 700'])
  })

  it('gives the socket its group before it appears', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give files to others')
    const path = home.file('s')
    await listenUnix(echo('g'), { path, mode: 0o660, gid: 4321 })
    expect([lstatSync(path).gid, modeOf(path)]).toEqual([4321, 0o660])
    expect(await ask(path)).toBe('g')
  })

  it('weakness 11: leaves a file, a directory and a symbolic link alone', async () => {
    const file = home.write('file', 'precious')
    mkdirSync(home.file('directory'))
    symlinkSync(file, home.file('link'))
    symlinkSync(home.file('nowhere'), home.file('dangling'))
    for (const name of ['file', 'directory', 'link', 'dangling']) {
      const before = lstatSync(home.file(name))
      expect(await codeOf(listenUnix(echo(), { path: home.file(name) }))).toBe(
        'ERR_HOST_SOCKET_OCCUPIED',
      )
      expect(lstatSync(home.file(name)).ino).toBe(before.ino)
    }
    expect(readFileSync(file, 'utf8')).toBe('precious')
    expect(readdirSync(home.path).sort()).toEqual(['dangling', 'directory', 'file', 'link'])
  })

  it('weakness 11: leaves a live socket alone', async () => {
    const path = home.file('s')
    await listenUnix(echo('first'), { path })
    expect(await codeOf(listenUnix(echo('second'), { path }))).toBe('ERR_HOST_SOCKET_IN_USE')
    expect(await ask(path)).toBe('first')
  })

  it('leaves a live socket of packets alone, and replaces a dead one', async (context) => {
    const python = requireProgram(context, 'python3')
    const path = home.file('s')
    const script = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen(1)
print('listening', flush=True)
sys.stdin.read()`
    const child = startChild(python, ['-c', script, path], { keepInput: true })
    await child.line(/listening/)
    const { ino } = lstatSync(path)
    expect(await codeOf(listenUnix(echo('second'), { path }))).toBe('ERR_HOST_SOCKET_IN_USE')
    expect(lstatSync(path).ino).toBe(ino)
    await child.kill()
    await listenUnix(echo('second'), { path })
    expect(await ask(path)).toBe('second')
  })

  it('takes whatever listens like a server, and removes its file when that closes', async () => {
    const path = home.file('s')
    const inner = createServer()
    const listener: UnixListener & EventEmitter = Object.assign(new EventEmitter(), {
      get listening() {
        return inner.listening
      },
      listen: (options: { readonly path: string }) => inner.listen(options.path),
      close: () => inner.close(),
    })
    for (const event of ['listening', 'close']) inner.on(event, () => listener.emit(event))
    servers.push(inner)
    await listenUnix(listener, { path, mode: 0o666 })
    expect([lstatSync(path).isSocket(), modeOf(path)]).toEqual([true, 0o666])
    listener.close()
    await once(listener, 'close')
    expect(readdirSync(home.path)).toEqual([])
  })

  it('weakness 11: leaves what appears while it starts alone', async () => {
    const path = home.file('s')
    const server = echo('late')
    const listen = server.listen.bind(server)
    server.listen = ((...args: Parameters<typeof listen>) => {
      home.write('s', 'precious')
      return listen(...args)
    }) as typeof server.listen
    expect(await codeOf(listenUnix(server, { path }))).toBe('ERR_HOST_SOCKET_IN_USE')
    expect(readFileSync(path, 'utf8')).toBe('precious')
    expect(server.listening).toBe(false)
    expect(readdirSync(home.path)).toEqual(['s'])
  })

  it('weakness 11: puts back what took the place of a dead socket while it starts', async () => {
    const path = home.file('s')
    await leaveDead(path)
    const server = echo('late')
    const listen = server.listen.bind(server)
    server.listen = ((...args: Parameters<typeof listen>) => {
      unlinkSync(path)
      home.write('s', 'precious')
      return listen(...args)
    }) as typeof server.listen
    expect(await codeOf(listenUnix(server, { path }))).toBe('ERR_HOST_SOCKET_IN_USE')
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('replaces a dead socket of this user', async () => {
    const path = home.file('s')
    await leaveDead(path)
    await listenUnix(echo('new'), { path, mode: 0o640 })
    expect(await ask(path)).toBe('new')
    expect(modeOf(path)).toBe(0o640)
    expect(readdirSync(home.path)).toEqual(['s'])
  })

  it('leaves a dead socket of another user alone', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can give files to others')
    chmodSync(home.path, 0o1777)
    const path = home.file('s')
    await leaveDead(path)
    chownSync(path, 12_345, 12_345)
    const { ino } = lstatSync(path)
    expect(await codeOf(listenUnix(echo(), { path }))).toBe('ERR_HOST_SOCKET_OCCUPIED')
    expect(lstatSync(path).ino).toBe(ino)
  })

  it('weakness 12: refuses a path that is too long, and takes the longest', async () => {
    const longest = join(home.path, 's'.repeat(107 - home.path.length - 1))
    expect(await codeOf(listenUnix(echo(), { path: `${longest}s` }))).toBe('ERR_HOST_SOCKET_PATH')
    expect(readdirSync(home.path)).toEqual([])
    const server = echo('long')
    await listenUnix(server, { path: longest })
    expect(await ask(longest)).toBe('long')
    await close(server)
    expect(readdirSync(home.path)).toEqual([])
  })

  it('takes the longest path in a deep directory, where the private one has no room', async () => {
    const deep = join(home.path, 'd'.repeat(107 - home.path.length - 3))
    mkdirSync(deep, { mode: 0o700 })
    const server = echo('deep')
    const path = join(deep, 's')
    await listenUnix(server, { path, mode: 0o660 })
    expect(Buffer.byteLength(path)).toBe(107)
    expect([await ask(path), modeOf(path)]).toEqual(['deep', 0o660])
    await close(server)
    expect(readdirSync(deep)).toEqual([])
  })

  it('refuses a directory where others can replace the socket', async () => {
    for (const [mode, expected] of [
      [0o770, 'ERR_HOST_SOCKET_PATH'],
      [0o777, 'ERR_HOST_SOCKET_PATH'],
      [0o1777, 'no error'],
      [0o755, 'no error'],
    ] as const) {
      chmodSync(home.path, mode)
      const server = echo()
      expect(await codeOf(listenUnix(server, { path: home.file('s') })), String(mode)).toBe(
        expected,
      )
      await close(server)
    }
    const absent = join(home.path, 'absent', 's')
    expect(await codeOf(listenUnix(echo(), { path: absent }))).toBe('ERR_HOST_SOCKET_PATH')
  })

  it('does not remove what has taken its place', async () => {
    const path = home.file('s')
    const server = echo()
    await listenUnix(server, { path })
    unlinkSync(path)
    home.write('s', 'other')
    await close(server)
    expect(readFileSync(path, 'utf8')).toBe('other')
  })

  it('refuses modes that are none', async () => {
    for (const mode of [-1, 0o1777, 0.5]) {
      await expect(listenUnix(echo(), { path: home.file('s'), mode })).rejects.toThrow(RangeError)
    }
  })
})

describe('assertSocketPath', () => {
  it.each(['relative/s', '/a\0b', '/a/', '', `/${'ů'.repeat(54)}`])('refuses %j', (path) => {
    expect(() => assertSocketPath(path)).toThrow(HostError as unknown as new () => HostError)
  })
})
