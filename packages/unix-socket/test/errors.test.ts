import { UnixSocketError } from '@secreg/unix-socket'
import { expect, test } from 'vitest'
import { closedError, systemError } from '../src/errors.ts'

test('are told by class and by code, also those of another installed copy', () => {
  const error = closedError()
  expect(error).toBeInstanceOf(Error)
  expect(error.name).toBe('UnixSocketError')
  expect(UnixSocketError.is(error)).toBe(true)
  expect(UnixSocketError.is(error, 'ERR_UNIX_SOCKET_CLOSED')).toBe(true)
  expect(UnixSocketError.is(error, 'ERR_UNIX_SOCKET_SYSTEM')).toBe(false)
  const foreign = Object.assign(new Error('x'), {
    [Symbol.for('@secreg/unix-socket/UnixSocketError')]: true,
    code: 'ERR_UNIX_SOCKET_CLOSED',
  })
  expect(UnixSocketError.is(foreign, 'ERR_UNIX_SOCKET_CLOSED')).toBe(true)
  for (const other of [new Error('x'), null, undefined, 'x', {}]) {
    expect(UnixSocketError.is(other)).toBe(false)
  }
})

test('of the kernel carry its name and the system call', () => {
  expect(systemError('connect', -111)).toMatchObject({
    code: 'ERR_UNIX_SOCKET_SYSTEM',
    systemCode: 'ECONNREFUSED',
    syscall: 'connect',
    message: 'connect: ECONNREFUSED',
  })
})
