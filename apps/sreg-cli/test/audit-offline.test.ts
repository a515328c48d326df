/** sreg audit check-proof, and verify --directory: without a daemon. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { openLog } from '@secreg/audit'
import { createSigner } from '@secreg/audit/verify'
import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

/** Records 1 to 3 in a checkpoint, the proof of record 2, and after two more the proof that the log continues. */
async function withProofs(): Promise<World> {
  const world = await makeWorld()
  const { home, registry, sreg } = world
  const { log } = registry
  for (let n = 0; n < 3; n++) log.add()
  await sreg(['audit', 'checkpoint', '--output', home.file('kept')])
  await sreg(['audit', 'prove', '2', '--output', home.file('proof'), '--line', home.file('line')])
  for (let n = 0; n < 2; n++) log.add()
  await sreg(['audit', 'consistency', home.file('kept'), '--output', home.file('grown')])
  home.write('keys', `\n${log.vkey}\n`)
  await registry[Symbol.asyncDispose]()
  registry.asked.length = 0
  return world
}

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(path, bytes)
}

describe('audit check-proof', () => {
  test('a record', async () => {
    const { home, registry, sreg } = await withProofs()
    const args = ['audit', 'check-proof', home.file('proof'), '--line', home.file('line')]
    const { vkey } = registry.log
    const [origin = ''] = vkey.split('+')
    expect(await sreg([...args, '--key', vkey])).toEqual({
      code: 0,
      stdout: `Proven:     record 2 is in the log of 3 records\nLog:        ${origin}\nSigned by:  ${vkey}\n`,
      stderr: '',
    })
    const json = await sreg([...args, '--key-file', home.file('keys'), '--json'])
    expect(JSON.parse(json.stdout)).toEqual({
      ok: true,
      kind: 'inclusion',
      sequence: 2,
      size: 3,
      origin,
      key: vkey,
    })
    // As a text editor, or a line cut out of the segment, leaves it.
    writeFileSync(home.file('line'), '\n', { flag: 'a' })
    expect((await sreg([...args, '--key', vkey])).code).toBe(0)
    writeFileSync(home.file('line'), '\n', { flag: 'a' })
    expect((await sreg([...args, '--key', vkey])).code).toBe(7)
  })

  test('that a log continues', async () => {
    const { home, registry, sreg } = await withProofs()
    const { vkey } = registry.log
    const args = ['audit', 'check-proof', home.file('grown'), '--old', home.file('kept')]
    const { code, stdout } = await sreg([...args, '--key', vkey])
    expect(code).toBe(0)
    expect(stdout).toContain('Proven:     the log of 5 records continues the one of 3 records\n')
    // The proof itself, on standard input.
    const input = readFileSync(home.file('grown'))
    const piped = ['audit', 'check-proof', '-', '--old', home.file('kept'), '--key', vkey]
    expect(await sreg(piped, { input })).toMatchObject({ code: 0, stdout })
  })

  test('whatever byte of the record is changed, it is not proven', async () => {
    const { home, registry, sreg } = await withProofs()
    const args = ['audit', 'check-proof', home.file('proof'), '--line', home.file('line')]
    const line = readFileSync(home.file('line'))
    for (let at = 0; at < line.length; at += 7) {
      flip(home.file('line'), at)
      const { code, stdout } = await sreg([...args, '--key', registry.log.vkey])
      expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
      writeFileSync(home.file('line'), line)
    }
  })

  test.each([
    ['proof', 'line'],
    ['grown', 'old'],
  ])('whatever byte of the %s is changed, it is not proven', async (file, about) => {
    const { home, registry, sreg } = await withProofs()
    const path = home.file(file)
    const of = about === 'line' ? home.file('line') : home.file('kept')
    const args = ['audit', 'check-proof', path, `--${about}`, of, '--key', registry.log.vkey]
    const proof = readFileSync(path)
    for (let at = 0; at < proof.length; at += 5) {
      flip(path, at)
      const { code, stdout } = await sreg(args)
      expect({ at, proven: code === 0, stdout }).toEqual({ at, proven: false, stdout: '' })
      expect([1, 7]).toContain(code)
      writeFileSync(path, proof)
    }
    expect((await sreg(args)).code).toBe(0)
  })

  test('signed by a key that was not given: 7', async () => {
    const { home, registry, sreg } = await withProofs()
    const [origin = ''] = registry.log.vkey.split('+')
    const { vkey } = createSigner(new Uint8Array(32).fill(9), origin)
    for (const args of [
      [home.file('proof'), '--line', home.file('line')],
      [home.file('grown'), '--old', home.file('kept')],
    ]) {
      const { code, stdout, stderr } = await sreg(['audit', 'check-proof', ...args, '--key', vkey])
      expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
      expect(stderr).toContain('no key that was given has signed')
    }
  })

  test('an old checkpoint of another size is not the one of the proof', async () => {
    const { home, registry, sreg } = await withProofs()
    home.write('later', registry.log.checkpoint())
    const args = ['--old', home.file('later'), '--key', registry.log.vkey]
    const { code, stderr } = await sreg(['audit', 'check-proof', home.file('grown'), ...args])
    expect(code).toBe(7)
    expect(stderr).toContain('other checkpoints')
  })

  test.each([
    [['proof', '--line', 'line'], 'a proof shows nothing without a key'],
    [['proof', '--key-file', 'keys'], 'this proof needs --line'],
    [['proof', '--old', 'kept', '--key-file', 'keys'], 'this proof needs --line'],
    [['grown', '--line', 'line', '--key-file', 'keys'], 'this proof needs --old'],
    [['kept', '--line', 'line', '--key-file', 'keys'], 'this is no proof'],
    [['proof', '--line', 'line', '--key', 'mallory+00000000+AAAA'], 'a key is not one of'],
  ])('%j is refused', async (args, message) => {
    const { home, sreg } = await withProofs()
    const words = args.map((one) => (/^-|\+/.test(one) ? one : home.file(one)))
    const { code, stdout, stderr } = await sreg(['audit', 'check-proof', ...words])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
  })
})

describe('audit verify --directory', () => {
  const origin = `secreg/audit/${'7'.repeat(32)}`
  const [first, second] = [1, 2].map((byte) =>
    createSigner(new Uint8Array(32).fill(byte), origin),
  ) as [ReturnType<typeof createSigner>, ReturnType<typeof createSigner>]

  /** A log of 12 records with checkpoints of 6, 9 and 12, and a new key after 9. */
  async function withLog(): Promise<World & { readonly directory: string }> {
    const world = await makeWorld()
    const directory = world.home.file('log')
    mkdirSync(directory, { mode: 0o700 })
    await using log = await openLog({ directory })
    const write = (count: number): void =>
      log.append(
        Array.from({ length: count }, (_, at) => ({
          timeMs: at,
          body: `{"action":"read","at":${at}}`,
        })),
      )
    await log.evidence.handOver(first)
    write(6)
    await log.evidence.checkpoint(first)
    write(3)
    await log.evidence.checkpoint(first)
    await log.evidence.handOver(second, first)
    write(3)
    await log.evidence.checkpoint(second)
    return { ...world, directory }
  }

  test('a sound log, with either key', async () => {
    const { directory, sreg } = await withLog()
    for (const { vkey } of [first, second]) {
      expect(await sreg(['audit', 'verify', '--directory', directory, '--key', vkey])).toEqual({
        code: 0,
        stdout: [
          'Records:       12',
          'Checkpoints:   3',
          'Signed up to:  record 12',
          'Result:        whole and unchanged',
          '',
        ].join('\n'),
        stderr: '',
      })
    }
  })

  test('without a key it says so', async () => {
    const { directory, sreg } = await withLog()
    const { code, stdout, stderr } = await sreg(['audit', 'verify', '--directory', directory])
    expect(code).toBe(0)
    expect(stdout).toContain('whole and unchanged')
    expect(stderr).toContain('signatures were not checked against a key of yours')
    const json = await sreg(['audit', 'verify', '--directory', directory, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, proven: 12, trusted: false })
  })

  test('a record that was changed is named', async () => {
    const { directory, sreg } = await withLog()
    const path = `${directory}/00000001.jsonl`
    flip(path, readFileSync(path).indexOf('"at":2') + 1)
    const args = ['audit', 'verify', '--directory', directory, '--key', first.vkey]
    const { code, stdout } = await sreg(args)
    expect(code).toBe(7)
    expect(stdout).toContain('At:            record 3\n')
    const { fault } = JSON.parse((await sreg([...args, '--json'])).stdout)
    expect(fault).toEqual({
      kind: 'edited',
      message: expect.any(String),
      sequence: 3,
      segment: 1,
    })
  })

  test('another key than that of the log, a directory that is none, and one that is not there', async () => {
    const { directory, home, sreg } = await withLog()
    const other = createSigner(new Uint8Array(32).fill(3), origin)
    const args = ['audit', 'verify', '--directory']
    expect((await sreg([...args, directory, '--key', other.vkey])).code).toBe(7)
    expect(await sreg([...args, home.file('gone')])).toMatchObject({ code: 2, stdout: '' })
    writeFileSync(`${directory}/stray`, '', { mode: 0o600 })
    const stray = await sreg([...args, directory, '--key', first.vkey])
    expect(stray).toMatchObject({ code: 7, stdout: '' })
    expect(stray.stderr).toContain('name the directory of an audit log')
  })

  test('a checkpoint that was kept finds that everything was put back', async () => {
    const { directory, home, sreg } = await withLog()
    const notes = readFileSync(`${directory}/checkpoints`, 'utf8').split(/(?<=^— .*\n)\n/m)
    // The first key, its checkpoints of 6 and 9 records, the hand-over, the checkpoint of 12.
    expect(notes.filter((note) => note !== '')).toHaveLength(5)
    home.write('kept', notes[2] ?? '')
    const back = home.file('back')
    mkdirSync(back, { mode: 0o700 })
    const write = (name: string, text: string): void =>
      writeFileSync(`${back}/${name}`, text, { mode: 0o600 })
    const lines = readFileSync(`${directory}/00000001.jsonl`, 'utf8').split('\n')
    write('00000001.jsonl', `${lines.slice(0, 6).join('\n')}\n`)
    write('checkpoints', `${notes.slice(0, 2).join('\n')}\n`)
    const args = ['audit', 'verify', '--directory', back, '--key', first.vkey]
    expect(await sreg(args)).toMatchObject({ code: 0, stderr: '' })
    const found = await sreg([...args, '--checkpoint', home.file('kept')])
    expect(found.code).toBe(7)
    expect(found.stdout).toContain('fault: truncated\nAt:            record 7\n')
    // So does a later key, which what was put back does not know.
    const unknown = await sreg([...args, '--key', second.vkey])
    expect(unknown.code).toBe(7)
    expect(unknown.stdout).toContain('At:            the file of its checkpoints\n')
  })
})
