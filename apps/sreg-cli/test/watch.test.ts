import type { ChangeEvent } from '@secreg/protocol'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { makeWorld, type Outcome, type World } from './harness.ts'

const event = (key: string, more: Partial<ChangeEvent> = {}): ChangeEvent => ({
  op: 'set',
  key,
  version: 1,
  type: 'string',
  encrypted: false,
  ...more,
})

/** Start a watch, do something with the registry, and give what was left. */
async function watching(
  argv: readonly string[],
  work: (world: World) => void | Promise<void>,
): Promise<{ outcome: Outcome; world: World }> {
  const world = await makeWorld()
  const running = world.sreg(['watch', ...argv])
  await waitFor(() => world.registry.watches === 1)
  await work(world)
  return { outcome: await running, world }
}

const requestOf = ({ registry }: World) =>
  registry.asked.find(({ name }) => name === 'watch')?.payload

describe('sreg watch', () => {
  test('a line for each event, until the watch ends', async () => {
    const { outcome, world } = await watching(['/app'], ({ registry }) => {
      registry.push(101, [event('/app/a'), event('/app/b\n', { op: 'purge', version: 3 })])
      registry.push(102, [])
      registry.push(103, [event('/app/č')])
      registry.push(103, [], { overflow: true })
    })
    expect(requestOf(world)).toEqual({ prefix: '/app', progress: true })
    expect(outcome.code).toBe(6)
    expect(outcome.stdout).toBe('101 set /app/a 1\n101 purge /app/b\\u{0a} 3\n103 set /app/č 1\n')
    expect(outcome.stderr).toContain('go on with: sreg watch /app --since 103 --generation g1\n')
  })

  test('--json: one object a line; the error too', async () => {
    const { outcome, world } = await watching(
      ['/app/a', '--exact', '--json', '--since', '7', '--generation', 'g1'],
      ({ registry }) => {
        registry.push(101, [event('/app/a', { encrypted: true })])
        registry.push(101, [], { overflow: true })
      },
    )
    expect(requestOf(world)).toEqual({
      key: '/app/a',
      progress: true,
      since_revision: 7,
      generation: 'g1',
    })
    expect(
      outcome.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      {
        revision: 101,
        generation: 'g1',
        op: 'set',
        key: '/app/a',
        version: 1,
        type: 'string',
        encrypted: true,
      },
    ])
    expect(JSON.parse(outcome.stderr)).toMatchObject({
      code: 6,
      reason: 'BUSY',
      hint: 'go on with: sreg watch /app/a --exact --json --since 101 --generation g1',
    })
  })

  test('a revision that came in parts is printed whole or not at all', async () => {
    const { outcome } = await watching(['/'], async ({ registry }) => {
      registry.push(101, [event('/a')])
      registry.push(102, [event('/b')], { more: true })
      registry.push(102, [event('/c')])
      registry.push(103, [event('/d')], { more: true })
      registry.breakConnections()
    })
    expect(outcome.stdout).toBe('101 set /a 1\n102 set /b 1\n102 set /c 1\n')
    expect(outcome.stderr).toContain('--since 102 ')
  })

  test('a lost connection ends with 6 and says how to go on', async () => {
    const { outcome } = await watching(["/it's", '--no-recursive'], ({ registry }) =>
      registry.breakConnections(),
    )
    expect(outcome).toMatchObject({ code: 6, stdout: '' })
    expect(outcome.stderr).toBe(
      "sreg: the connection to the daemon was lost\n  go on with: sreg watch '/it'\\''s' --no-recursive --since 100 --generation g1\n",
    )
  })

  test('the socket of the command is in the command to go on with', async () => {
    const world = await makeWorld()
    const running = world.sreg(['watch', '/a', '-s', world.registry.path])
    await waitFor(() => world.registry.watches === 1)
    world.registry.breakConnections()
    expect((await running).stderr).toContain(` --socket ${world.registry.path} --since 100`)
  })

  test('a watch that the daemon ends says why, and what to do before going on', async () => {
    const { outcome } = await watching(['/a'], ({ registry }) => {
      const error = {
        code: 3,
        name: 'AccessDenied',
        reason: 'ACCESS_DENIED',
        message: 'no more',
        errno: 200,
      }
      registry.push(105, [], { error })
    })
    expect(outcome).toMatchObject({ code: 3, stdout: '' })
    expect(outcome.stderr).toContain('sreg: no more\n')
    expect(outcome.stderr).toContain('ask an administrator')
    expect(outcome.stderr).toContain('then go on with: sreg watch /a --since 105')
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it with 0', async (signal) => {
    const before = process.listenerCount(signal)
    const { outcome } = await watching(['/a'], async ({ registry }) => {
      registry.push(101, [event('/a')])
      await waitFor(() => process.listenerCount(signal) > before)
      process.emit(signal, signal)
    })
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(process.listenerCount(signal)).toBe(before)
  })
})
