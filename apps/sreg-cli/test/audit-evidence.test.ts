/** sreg audit verify, checkpoint, prove, consistency, keys and rotate-key, through the daemon. */
import { readFileSync, statSync, symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

async function withRecords(count: number): Promise<World> {
  const world = await makeWorld()
  for (let n = 0; n < count; n++) world.registry.log.add()
  return world
}

const requestsOf = ({ registry }: World) =>
  registry.asked.filter(({ name }) => name === 'evidence').map(({ payload }) => payload)

describe('audit verify', () => {
  const running = { job: 4, done: false, records: 10, total: 40, checkpoints: 0 }
  const found = { job: 4, done: true, records: 40, total: 40, checkpoints: 3, ok: true }

  test('asks for the job by its number until it is done', async () => {
    const world = await makeWorld()
    const answers = [running, { ...running, records: 30 }, found]
    world.registry.answering.set('evidence', () => ({ verification: answers.shift() }))
    expect(await world.sreg(['audit', 'verify'])).toEqual({
      code: 0,
      stdout: 'Records:      40\nCheckpoints:  3\nResult:       whole and unchanged\n',
      stderr: '',
    })
    expect(requestsOf(world)).toEqual([
      { op: 'verify' },
      { op: 'verify', job: 4 },
      { op: 'verify', job: 4 },
    ])
  })

  test('shows how far it is on a terminal', async () => {
    const { registry, sreg } = await makeWorld()
    const answers = [running, found]
    registry.answering.set('evidence', () => ({ verification: answers.shift() }))
    const { stderr } = await sreg(['audit', 'verify'], { stderrTty: true })
    expect(stderr).toContain('Records verified')
  })

  test.each([
    [{}, 'At:           record 7\n'],
    [{ until: 7 }, 'At:           record 7\n'],
    [{ until: 12 }, 'At:           one of the records 7 to 12\n'],
  ])('a fault ends with 7 and names the record: %j', async (more, at) => {
    const { registry, sreg } = await makeWorld()
    const fault = {
      kind: 'edited',
      message: 'line 7 was\u001b[1A changed',
      sequence: 7,
      segment: 1,
      ...more,
    }
    const verification = { ...found, ok: false, records: 6, fault }
    registry.answers.set('evidence', { verification })
    const { code, stdout, stderr } = await sreg(['audit', 'verify'])
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' })
    expect(stdout).toBe(
      `Records:      6\nCheckpoints:  3\nResult:       fault: edited\n${at}Segment:      1\nFound:        line 7 was\\u{1b}[1A changed\n`,
    )
    const json = await sreg(['audit', 'verify', '--json'])
    expect(json).toMatchObject({ code: 7, stderr: '' })
    expect(JSON.parse(json.stdout)).toEqual({ ok: false, records: 6, checkpoints: 3, fault })
  })

  test('an answer that is at odds with itself is not taken for a sound log', async () => {
    const { registry, sreg } = await makeWorld()
    const fault = { kind: 'gap', message: 'm', sequence: 7, segment: 1 }
    registry.answers.set('evidence', { verification: { ...found, fault } })
    expect((await sreg(['audit', 'verify'])).code).toBe(7)
    const { ok: _, ...untold } = found
    registry.answers.set('evidence', { verification: untold })
    expect(await sreg(['audit', 'verify'])).toMatchObject({ code: 7, stdout: '' })
  })

  /** Let the daemon say that it found nothing, whatever it was given; the proofs are real. */
  const sayingFound = ({ registry }: World): void => {
    registry.answeringEvidence = (payload) =>
      payload['op'] === 'verify' ? { verification: found } : registry.log.evidence(payload)
  }

  test('checkpoints that were kept go along; one may be standard input', async () => {
    const world = await withRecords(2)
    sayingFound(world)
    const { log } = world.registry
    const one = log.checkpoint()
    world.home.write('one', one)
    log.add()
    const two = log.checkpoint()
    const args = ['--checkpoint', world.home.file('one'), '--checkpoint', '-']
    const { code } = await world.sreg(['audit', 'verify', ...args], { input: two })
    expect(code).toBe(0)
    expect(requestsOf(world)).toEqual([
      { op: 'verify', checkpoints: [one, two] },
      { op: 'consistency', checkpoint: one },
      { op: 'consistency', checkpoint: two },
    ])
    const twice = ['--checkpoint', '-', '--checkpoint', '-']
    expect((await world.sreg(['audit', 'verify', ...twice], { input: 'x' })).stderr).toContain(
      'standard input can only be read once',
    )
  })

  test('a verification that did not look at them is no answer', async () => {
    const world = await withRecords(4)
    const other = await withRecords(2)
    other.registry.log.add({ action: 'write' })
    sayingFound(world)
    world.home.write('other', other.registry.log.checkpoint())
    const args = ['audit', 'verify', '--checkpoint', world.home.file('other')]
    const { code, stdout, stderr } = await world.sreg(args)
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
    expect(stderr).toContain('the log of 4 records does not continue the one of 3 records')
  })

  test.each([
    [['--key', 'x'], 'a key is not one of an audit log'],
    [['--checkpoint', 'gone'], 'gone does not exist'],
    [Array.from({ length: 34 }, (_, at) => (at % 2 === 0 ? '--checkpoint' : 'one')), 'at most 16'],
    [['--checkpoint', 'large'], 'large exceeds 16384 bytes'],
    [['--checkpoint', 'binary'], 'binary is not UTF-8 text'],
    [['--key-file', 'empty'], 'empty holds no key'],
  ])('%j is refused before anything is asked', async (args, message) => {
    const world = await makeWorld()
    world.home.write('one', 'first\n')
    world.home.write('large', 'x'.repeat(16_385))
    world.home.write('binary', Buffer.of(0xff))
    world.home.write('empty', '\n')
    const paths = args.map((one) => (/^(?:-|x$)/.test(one) ? one : world.home.file(one)))
    const { code, stdout, stderr } = await world.sreg(['audit', 'verify', ...paths])
    expect({ code: code === 1 || code === 2, stdout }).toEqual({ code: true, stdout: '' })
    expect(stderr).toContain(message)
    expect(world.registry.asked).toEqual([])
  })

  test('--key without --directory is refused', async () => {
    const { registry, sreg } = await makeWorld()
    const { code, stderr } = await sreg(['audit', 'verify', '--key', registry.log.vkey])
    expect(code).toBe(1)
    expect(stderr).toContain('only for --directory')
  })
})

describe('audit checkpoint', () => {
  test('is printed exactly as it is; who has signed it is told', async () => {
    const { registry, sreg } = await withRecords(3)
    const { log } = registry
    for (const stdoutTty of [false, true]) {
      expect(await sreg(['audit', 'checkpoint'], { stdoutTty })).toEqual({
        code: 0,
        stdout: log.checkpoint(),
        stderr: `sreg: records 1 to 3, signed by ${log.vkey}\n`,
      })
    }
    const { stdout } = await sreg(['audit', 'checkpoint', '--json'])
    expect(JSON.parse(stdout)).toEqual({ checkpoint: log.checkpoint(), key: log.vkey })
  })

  test('--output writes a private file, and follows no link', async () => {
    const { home, registry, sreg } = await withRecords(3)
    const file = home.file('kept')
    expect(await sreg(['audit', 'checkpoint', '--output', file])).toMatchObject({
      code: 0,
      stdout: '',
    })
    expect(readFileSync(file, 'utf8')).toBe(registry.log.checkpoint())
    expect(statSync(file).mode & 0o777).toBe(0o600)
    symlinkSync(file, home.file('link'))
    expect(await sreg(['audit', 'checkpoint', '--output', home.file('link')])).toMatchObject({
      code: 1,
    })
  })

  test('one that no key of the log has signed is not given', async () => {
    const world = await withRecords(3)
    const checkpoint = world.registry.log.checkpoint()
    const other = await withRecords(3)
    await other.sreg(['audit', 'rotate-key'])
    const keys = [{ key: other.registry.log.vkey, from: 0, current: true }]
    for (const answer of [{ checkpoint, keys }, { checkpoint: 'nonsense\n', keys }, {}]) {
      world.registry.answers.set('evidence', answer)
      expect(await world.sreg(['audit', 'checkpoint'])).toMatchObject({ code: 7, stdout: '' })
    }
  })
})

describe('audit prove', () => {
  test('prints the proof; --line writes the record, byte by byte', async () => {
    const { home, registry, sreg } = await withRecords(5)
    const shown = await sreg(['audit', 'prove', '3', '--line', home.file('line')])
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 2\n/)
    expect(shown.stdout.endsWith(`\n\n${registry.log.checkpoint()}`)).toBe(true)
    expect(readFileSync(home.file('line'))).toEqual(registry.log.lines[2])
    expect(statSync(home.file('line')).mode & 0o777).toBe(0o600)
    const { stdout } = await sreg(['audit', 'prove', '3', '--json'])
    expect(JSON.parse(stdout)).toEqual({
      sequence: 3,
      checkpoint: registry.log.checkpoint(),
      proof: shown.stdout,
      line: registry.log.lines[2]?.toString(),
    })
  })

  test.each(['0', '-1', 'x', '1.5', '99999999999999999999'])('%s is no record', async (given) => {
    const { registry, sreg } = await makeWorld()
    expect(await sreg(['audit', 'prove', '--', given])).toMatchObject({ code: 1, stdout: '' })
    expect(registry.asked).toEqual([])
  })

  test('a record that is not there yet', async () => {
    const { sreg } = await withRecords(2)
    const { code, stderr } = await sreg(['audit', 'prove', '3'])
    expect(code).toBe(1)
    expect(stderr).toContain('the log has lines 1 to 2')
  })

  test('one that retention has removed has a proof and no line', async () => {
    const { home, registry, sreg } = await withRecords(4)
    registry.log.removed = 2
    const shown = await sreg(['audit', 'prove', '2'])
    expect(shown.code).toBe(0)
    expect(shown.stderr).toBe('sreg: record 2 was removed by retention: the proof is of its hash\n')
    const wanted = await sreg(['audit', 'prove', '2', '--line', home.file('line')])
    expect(wanted).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('audit consistency', () => {
  test('prints the proof, and says it in words', async () => {
    const { home, registry, sreg } = await withRecords(3)
    await sreg(['audit', 'checkpoint', '--output', home.file('kept')])
    for (let n = 0; n < 4; n++) registry.log.add()
    const shown = await sreg(['audit', 'consistency', home.file('kept')])
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/^secreg consistency proof v1\nold 3\nnew 7\n/)
    expect(shown.stderr).toBe('sreg: the log of 7 records continues the one of 3 records\n')
    const kept = readFileSync(home.file('kept'), 'utf8')
    const json = await sreg(['audit', 'consistency', '-', '--json'], { input: kept })
    expect(JSON.parse(json.stdout)).toEqual({
      from: 3,
      to: 7,
      checkpoint: registry.log.checkpoint(),
      proof: shown.stdout,
    })
  })

  test('a daemon that says it is tampered with: 7, and what to do', async () => {
    const { home, registry, sreg } = await withRecords(3)
    home.write('kept', registry.log.checkpoint())
    registry.failures.set('evidence', 'AUDIT_TAMPERED')
    const { code, stdout, stderr } = await sreg(['audit', 'consistency', home.file('kept')])
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
    expect(stderr).toContain('sreg audit verify')
  })

  test('a daemon that claims what its proof does not show is not believed', async () => {
    const { home, registry, sreg } = await withRecords(3)
    home.write('kept', registry.log.checkpoint())
    const other = await withRecords(2)
    for (let n = 0; n < 5; n++) other.registry.log.add({ action: 'write' })
    const request = { op: 'consistency', checkpoint: registry.log.checkpoint() }
    registry.answers.set('evidence', await other.registry.log.evidence(request))
    const { code, stdout, stderr } = await sreg(['audit', 'consistency', home.file('kept')])
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' })
    expect(stderr).toContain('the log of 7 records does not continue the one of 3 records')
  })

  test('a file that holds no checkpoint is not sent', async () => {
    const { home, registry, sreg } = await makeWorld()
    home.write('kept', 'my diary\n')
    expect(await sreg(['audit', 'consistency', home.file('kept')])).toMatchObject({ code: 1 })
    expect(registry.asked).toEqual([])
  })
})

describe('audit keys and rotate-key', () => {
  test('a table, oldest first; rotate-key prints the new one alone', async () => {
    const { registry, sreg } = await withRecords(3)
    const before = registry.log.vkey
    const { code, stdout, stderr } = await sreg(['audit', 'rotate-key'])
    expect(code).toBe(0)
    expect(stdout).toBe(`${registry.log.vkey}\n`)
    expect(registry.log.vkey).not.toBe(before)
    expect(stderr).toContain('keep it where the log is verified')
    const shown = await sreg(['audit', 'keys'])
    expect(shown.stdout.trimEnd().split('\n').slice(1)).toEqual([
      `${before}  from 1 on  handed over`,
      `${registry.log.vkey}  from 4 on  current`,
    ])
    const { keys } = JSON.parse((await sreg(['audit', 'keys', '--json'])).stdout)
    expect(keys).toEqual([
      { key: before, from: 0, current: false },
      { key: registry.log.vkey, from: 3, current: true },
    ])
  })

  test('an answer without keys is a fault of the daemon', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('evidence', {})
    for (const name of ['keys', 'rotate-key', 'checkpoint']) {
      expect(await sreg(['audit', name])).toMatchObject({ code: 7, stdout: '' })
    }
    expect(await sreg(['audit', 'prove', '1'])).toMatchObject({ code: 7, stdout: '' })
  })
})
