import { userInfo } from 'node:os'
import { HostError, resolveGroup, resolveUser } from '@secreg/host'
import { describe, expect, it } from 'vitest'

describe('resolveGroup', () => {
  it('finds names and takes numbers', () => {
    expect(resolveGroup('root')).toBe(0)
    expect(resolveGroup('0')).toBe(0)
    expect(resolveGroup('4294967294')).toBe(4_294_967_294)
  })

  it.each(['no-such-group-here', '', '-1', '4294967295', 'a b', '--help', 'root:x', '1.5'])(
    'refuses %j',
    (group) => {
      expect(() => resolveGroup(group)).toThrow(HostError as unknown as new () => HostError)
    },
  )
})

describe('resolveUser', () => {
  it('finds names and takes numbers', () => {
    expect(resolveUser('root')).toBe(0)
    expect(resolveUser('65534')).toBe(65_534)
    const { username, uid } = userInfo()
    expect(resolveUser(username)).toBe(uid)
  })

  it.each(['no-such-user-here', '', '4294967295', 'root:x', '--help'])('refuses %j', (user) => {
    expect(() => resolveUser(user)).toThrow(
      expect.objectContaining({ code: 'ERR_HOST_USER_UNKNOWN' }),
    )
  })
})
