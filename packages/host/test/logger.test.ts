import { createLogger, HostError, type LogFields, type LoggerOptions } from '@secreg/host'
import { describe, expect, it } from 'vitest'

function setUp(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const log = createLogger({ name: 'test', destination, ...options })
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? 'null')
  return { log, lines, last }
}

describe('createLogger', () => {
  it('writes one JSON line with level, time and event', () => {
    const { log, lines, last } = setUp()
    log.info('listening', { file: '/run/s', pid: 1, ok: true })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      name: 'test',
      pid: 1,
      event: 'listening',
      file: '/run/s',
      ok: true,
    })
  })

  it('leaves out what is below its level, which can change', () => {
    const { log, lines } = setUp({ level: 'warn' })
    log.info('no')
    log.level = 'debug'
    log.debug('yes')
    log.trace('no')
    for (const level of ['fatal', 'error', 'warn'] as const) log[level]('yes')
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['yes', 'yes', 'yes', 'yes'])
    expect(log.level).toBe('debug')
  })

  it('writes no field that it does not know, and none of a wrong type', () => {
    const { log, lines } = setUp()
    const fields = {
      password: 'hunter2',
      value: 'hunter2',
      token: 'hunter2',
      detail: { a: 'hunter2' },
      count: 'hunter2',
      ok: 'hunter2',
    }
    log.info('login', fields as unknown as LogFields)
    expect(lines.join()).not.toContain('hunter2')
  })

  it('writes no message of an error unless it is vouched for', () => {
    const { log, lines, last } = setUp({
      messageOf: (error) => (error instanceof RangeError ? error.message : undefined),
    })
    const caught: unknown[] = []
    for (const text of ['"hunter2-is-secret', '{"a":hunter2}', 'hunter2\n    at hunter2:1:1']) {
      try {
        JSON.parse(text)
      } catch (error) {
        caught.push(error)
      }
    }
    for (const error of [
      ...caught,
      'hunter2',
      { message: 'hunter2' },
      new Error('hunter2', { cause: 'hunter2' }),
    ]) {
      log.error('failed', { error })
    }
    expect(lines).toHaveLength(6)
    expect(lines.join()).not.toContain('hunter2')
    log.error('failed', { error: new RangeError('seen') })
    expect(last()['error']).toMatchObject({ name: 'RangeError', message: 'seen' })
    log.error('failed', { error: new HostError('ERR_HOST_SOCKET_IN_USE', 'seen too') })
    expect(last()['error']).toMatchObject({ code: 'ERR_HOST_SOCKET_IN_USE', message: 'seen too' })
  })

  it('keeps one line for any text, and bounds it', () => {
    const { log, lines, last } = setUp()
    log.warn('odd', { detail: `a\nb\u2028${'c'.repeat(2000)}` })
    expect(lines[0]?.trimEnd()).not.toContain('\n')
    expect(String(last()['detail'])).toHaveLength(512)
  })
})
