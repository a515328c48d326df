/** How the native part is built, found and missed. */
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, createTempHome, requireProgram, runChild, runNode } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { layOut, needBuild, needNative, PACKAGE } from './support.ts'

const BUILD = join(PACKAGE, 'native/build.mjs')

/** This Node.js under another path; a copy where the file systems differ. */
function placeProgram(path: string): void {
  try {
    linkSync(process.execPath, path)
  } catch {
    copyFileSync(process.execPath, path)
  }
}

describe('the build', () => {
  test('without a compiler says so in one line, and is no failure', async () => {
    await using home = createTempHome()
    const env = cleanEnv({ CC: '/nonexistent/cc' })
    const result = await runNode(BUILD, ['--out', home.file('x.node')], { env })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(
      process.platform === 'linux'
        ? /^@secreg\/unix-socket: .*no C compiler \/nonexistent\/cc: install one.*\n$/
        : /^@secreg\/unix-socket: .*needs Linux.*\n$/,
    )
    expect(readdirSync(home.path)).toEqual([])
  })

  test('without the headers of Node.js says so', async (context) => {
    needNative(context)
    requireProgram(context, 'cc')
    await using home = createTempHome()
    // They are looked for beside the program.
    mkdirSync(home.file('bin'))
    placeProgram(home.file('bin/node'))
    const env = cleanEnv({ npm_config_nodedir: '' })
    const result = await runChild(home.file('bin/node'), [BUILD, '--out', home.file('x.node')], {
      env,
    })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/^@secreg\/unix-socket: .*no node_api.h and uv.h.*\n$/)
  })

  test('a compiler that fails is a failure, and leaves nothing', async (context) => {
    await needBuild(context)
    await using home = createTempHome()
    const result = await runNode(BUILD, [
      '--out',
      home.file('x.node'),
      '-include',
      '/nonexistent.h',
    ])
    expect(result.code).toBe(1)
    expect(readdirSync(home.path)).toEqual([])
  })

  test('wrong arguments are told', async (context) => {
    await needBuild(context)
    const result = await runNode(BUILD, ['--wrong'])
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('usage')
  })

  test('what it depends on names compiler, headers and Node.js', async (context) => {
    needNative(context)
    const { stdout } = await runNode(BUILD, ['--inputs'])
    expect(stdout).toContain(process.version)
    const other = await runNode(BUILD, ['--inputs'], { env: cleanEnv({ CC: '/nonexistent/cc' }) })
    expect(other.stdout).not.toBe(stdout)
  })
})

describe('the loader', () => {
  const SCRIPT = `
const { nativeProblem, createSeqpacketServer, connectSeqpacket, peerCredentials, weakerCredentials } = await import(process.argv[2])
const attempt = (call) => { try { call(); return 'fine' } catch (error) { return error.code } }
console.log(JSON.stringify({
  problem: nativeProblem(),
  weaker: weakerCredentials({ pid: 1, uid: 0, gid: 0 }, { pid: 2, uid: 5, gid: 5 }),
  peer: attempt(() => peerCredentials({ _handle: null })),
  server: attempt(() => createSeqpacketServer()),
  client: attempt(() => connectSeqpacket({ path: '/nonexistent' }).on('error', () => {})),
}))
`

  async function load(withNative: boolean, prepare: (root: string) => void = () => {}) {
    await using home = createTempHome()
    const module = layOut(home, withNative)
    prepare(join(home.path, 'unix-socket'))
    const script = home.write('script.mjs', SCRIPT)
    const result = await runNode(script, [module])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    return JSON.parse(result.stdout)
  }

  const WEAKER = { pid: 2, uid: 5, gid: 5 }

  test('without a native part every use says why, and what needs none works', async () => {
    const result = await load(false)
    expect(result).toEqual({
      problem: expect.stringMatching(/No native build was found.*node .*native\/build\.mjs/),
      weaker: WEAKER,
      peer: 'ERR_UNIX_SOCKET_UNAVAILABLE',
      server: 'ERR_UNIX_SOCKET_UNAVAILABLE',
      client: 'ERR_UNIX_SOCKET_UNAVAILABLE',
    })
  })

  test('a file that is no library is a problem too', async (context) => {
    needNative(context)
    const result = await load(false, (root) => {
      mkdirSync(join(root, 'build/Release'), { recursive: true })
      copyFileSync(join(PACKAGE, 'package.json'), join(root, 'build/Release/unix-socket.node'))
    })
    expect(result.problem).toMatch(/cannot be loaded \(.*node .*native\/build\.mjs/)
  })

  const WORKS = { weaker: WEAKER, peer: 'fine', server: 'fine', client: 'fine' }

  test('takes what is built', async (context) => {
    needNative(context)
    expect(await load(true)).toEqual(WORKS)
  })

  test('takes what the package brings', async (context) => {
    needNative(context)
    const folder = `prebuilds/${process.platform}-${process.arch}`
    const built = join(
      PACKAGE,
      'build/Release',
      readdirSync(join(PACKAGE, 'build/Release'))[0] ?? '',
    )
    expect(existsSync(built)).toBe(true)
    const result = await load(false, (root) => {
      mkdirSync(join(root, folder), { recursive: true })
      copyFileSync(built, join(root, folder, '@secreg+unix-socket.node'))
    })
    expect(result).toEqual(WORKS)
  })
})
