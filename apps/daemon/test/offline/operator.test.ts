import { expect, test, vi } from 'vitest'
import { operator } from '../../src/offline/operator.ts'

vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  userInfo: () => {
    throw new Error('A system error occurred: uv_os_get_passwd returned ENOENT')
  },
}))

test('who works offline is known by what the kernel says, also when no list of users has him', () => {
  expect(operator('secregd restore')).toMatchObject({
    address: 'secregd restore',
    door: 'internal',
    uid: process.geteuid?.(),
    gid: process.getegid?.(),
    pid: process.pid,
  })
})
