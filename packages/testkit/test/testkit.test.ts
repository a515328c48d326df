import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  cleanEnv,
  createCanary,
  createTempHome,
  findCanary,
  findProgram,
  freePort,
  fromHex,
  loadHex,
  loadJson,
  loadJsonLines,
  loadList,
  parseList,
  requireProgram,
  runChild,
  runNode,
  startChild,
  startNode,
  toHex,
  waitFor,
} from '@secreg/testkit'
import { describe, expect, it } from 'vitest'

describe('vectors', () => {
  it('loads JSON, JSON lines, lists and hexadecimal digits', () => {
    using home = createTempHome()
    expect(loadJson(home.write('a.json', '{"a":1}'))).toEqual({ a: 1 })
    expect(loadJsonLines(home.write('a.jsonl', '1\n\n[2]\n'))).toEqual([1, [2]])
    expect(() => loadJsonLines(home.write('b.jsonl', '1\n{\n'))).toThrow(/b\.jsonl:2: not JSON/)
    expect(loadList(home.write('list', 'x\n'))).toEqual([{ text: 'x', why: '', line: 1 }])
    expect(loadHex(home.write('a.hex', '00 ff # two\n0a:0B\n'))).toEqual(
      Uint8Array.of(0, 255, 10, 11),
    )
    expect(toHex(fromHex('00ff'))).toBe('00ff')
    expect(() => fromHex('0')).toThrow('hex')
  })

  it('keeps the reason of each listed case', () => {
    const text = '# first\n# still first\na\n b \n# second\n"c\\n#"\n\nd\n"\n'
    expect(parseList(text)).toEqual([
      { text: 'a', why: 'first still first', line: 3 },
      { text: ' b ', why: 'first still first', line: 4 },
      { text: 'c\n#', why: 'second', line: 6 },
      { text: 'd', why: '', line: 8 },
      { text: '"', why: '', line: 9 },
    ])
  })
})

describe('createTempHome', () => {
  it('is private and vanishes', async () => {
    let path = ''
    {
      await using home = createTempHome()
      path = home.path
      expect(statSync(path).mode & 0o777).toBe(0o700)
      expect(statSync(home.write('a/b', 'x')).mode & 0o777).toBe(0o600)
      expect(home.file('a', 'b')).toBe(join(path, 'a', 'b'))
    }
    expect(existsSync(path)).toBe(false)
  })
})

describe('waitFor', () => {
  it('returns what the condition answers at last', async () => {
    let looks = 0
    const answer = await waitFor(() => {
      looks++
      if (looks === 1) throw new Error('early')
      return looks > 2 && 'done'
    })
    expect([answer, looks]).toEqual(['done', 3])
  })

  it('fails with what it waited for and why', async () => {
    const failing = waitFor(() => Promise.reject(new Error('why')), { timeoutMs: 20, what: 'it' })
    await expect(failing).rejects.toMatchObject({
      message: 'waited 20 ms for it',
      cause: { message: 'why' },
    })
  })
})

describe('children', () => {
  const SCRIPT = `
    process.stdout.write('rea'); process.stderr.write('side\\n')
    setTimeout(() => process.stdout.write('dy on 1\\n'), 20)
    process.on('SIGTERM', () => { console.log('bye'); process.exit(3) })
    setInterval(() => {}, 1000)`

  it('waits for a line, also one that came before, and for the end', async () => {
    await using home = createTempHome()
    const child = startNode(home.write('a.cjs', SCRIPT))
    expect(await child.line(/^ready on \d$/)).toBe('ready on 1')
    expect(await child.line(/ready/)).toBe('ready on 1')
    expect(await child.line(/side/, { from: 'stderr' })).toBe('side')
    expect(await child.kill('SIGTERM')).toEqual({ code: 3, signal: null })
    expect([child.exited, child.stdout()]).toEqual([true, 'ready on 1\nbye\n'])
    child.signal('SIGKILL')
  })

  it('fails when the line does not come', async () => {
    await using child = startChild(process.execPath, ['-e', 'console.error("oops")'])
    await expect(child.line(/ready/)).rejects.toThrow(/the process ended[\s\S]*oops/)
    await using silent = startChild('sleep', ['60'])
    await expect(silent.line(/x/, { timeoutMs: 20 })).rejects.toThrow('waited 20 ms')
  })

  it('kills with its scope', async () => {
    let child: ReturnType<typeof startChild>
    {
      await using inner = startChild('sleep', ['60'])
      child = inner
    }
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('kills what does not stop', async () => {
    const child = startChild(process.execPath, [
      '-e',
      'process.on("SIGTERM",()=>{});console.log("up");setInterval(()=>{},9)',
    ])
    await child.line(/up/)
    expect(await child.kill('SIGTERM', 50)).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('gives input, bounds outputs, and passes exit codes on', async () => {
    expect((await runChild('cat', [], { input: 'text' })).stdout).toBe('text')
    const many = await runChild(process.execPath, ['-e', 'process.stdout.write("x".repeat(1e6))'], {
      maxOutputBytes: 10,
    })
    expect(many.stdout).toBe('xxxxxxxxxx\n[output cut]')
    await using home = createTempHome()
    expect((await runNode(home.write('b.cjs', 'process.exit(6)'))).code).toBe(6)
    expect((await runChild('/nowhere/program')).code).toBe(127)
    await expect(runChild('sleep', ['60'], { timeoutMs: 20 })).rejects.toThrow('did not end')
  })

  it('keeps what the test runner set away from children', () => {
    expect(Object.keys(cleanEnv()).filter((name) => /VITEST|NODE_ENV/.test(name))).toEqual([])
    expect(cleanEnv({ SECREG_SOCKET: '/s' })['SECREG_SOCKET']).toBe('/s')
  })

  it('finds a free port', async () => {
    const port = await freePort()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    server.close()
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThan(32_768)
  })
})

describe('programs', () => {
  it('finds what is installed, and gives a reason for the rest', () => {
    expect(findProgram('sh')).toMatchObject({ found: true, path: expect.stringMatching(/\/sh$/) })
    expect(findProgram('no-such-program')).toEqual({
      found: false,
      reason: 'program no-such-program is not installed',
    })
  })

  it('skips with the reason', () => {
    const notes: unknown[] = []
    const skip = (note?: string): never => {
      notes.push(note)
      throw new Error('skipped')
    }
    expect(() => requireProgram({ skip }, 'no-such-program')).toThrow('skipped')
    expect(notes).toEqual(['program no-such-program is not installed'])
    expect(requireProgram({ skip }, 'sh')).toMatch(/\/sh$/)
  })
})

describe('findCanary', () => {
  it('finds a text in names and contents, however it is written', () => {
    using home = createTempHome()
    const text = createCanary()
    const bytes = Buffer.from(text)
    home.write('clean', 'nothing here')
    home.write('plain', `xx${text}`)
    home.write('utf16', Buffer.from(text, 'utf16le'))
    home.write('hex', bytes.toString('hex'))
    home.write('upper', bytes.toString('hex').toUpperCase())
    for (const shift of [0, 1, 2]) {
      for (const form of ['base64', 'base64url'] as const) {
        const around = Buffer.concat([Buffer.alloc(shift, 0xfb), bytes, Buffer.alloc(4, 0xff)])
        home.write(`${form}-${shift}`, around.toString(form))
      }
    }
    home.write(`deep/${text}`, '')
    home.write('edge', Buffer.concat([Buffer.alloc(1024 * 1024 - 5), bytes]))
    mkdirSync(home.file('other'))
    writeFileSync(home.file('other', 'plain'), text)

    const finds = findCanary(text, home.path)
    const names = new Set(finds.map((find) => find.file.slice(home.path.length + 1)))
    expect([...names].sort()).toEqual(
      ['plain', 'utf16', 'hex', 'upper', `deep/${text}`, 'edge', 'other/plain']
        .concat([0, 1, 2].flatMap((shift) => [`base64-${shift}`, `base64url-${shift}`]))
        .sort(),
    )
    expect(finds).toContainEqual({ file: home.file('plain'), form: 'plain', offset: 2 })
    expect(finds).toContainEqual({
      file: home.file('edge'),
      form: 'plain',
      offset: 1024 * 1024 - 5,
    })
    expect(() => findCanary('short', home.path)).toThrow(RangeError)
  })
})
