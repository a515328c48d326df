import { isZoneLogin } from '@secreg/zones'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePasswdLine } from '../../src/users/passwd-line.ts'

test.each([
  ['alice:x:1001:1001:Alice,,,:/home/alice:/bin/sh', { login: 'alice', uid: 1001 }],
  ['root:x:0:0:root:/root:/bin/bash', { login: 'root', uid: 0 }],
  ['last::4294967294:1:::', { login: 'last', uid: 4_294_967_294 }],
  ['DOMAIN\\bob:*:5000:1:::', { login: 'DOMAIN\\bob', uid: 5000 }],
])('%s', (line, user) => {
  expect(parsePasswdLine(line)).toEqual(user)
})

test.each([
  '',
  '# alice:x:1001:1001::/:/bin/sh',
  '+::::::',
  '-bob::::::',
  'alice',
  'alice:x:1001',
  'alice:x:1001:1001::/:/bin/sh:more',
  ':x:1001:1001::/:/bin/sh',
  'alice:x::1001::/:/bin/sh',
  'alice:x:-1:1001::/:/bin/sh',
  'alice:x:+5:1001::/:/bin/sh',
  'alice:x:01001:1001::/:/bin/sh',
  'alice:x:0x10:1001::/:/bin/sh',
  'alice:x:1e3:1001::/:/bin/sh',
  'alice:x: 7:1001::/:/bin/sh',
  'alice:x:4294967295:1001::/:/bin/sh',
  'alice:x:99999999999:1001::/:/bin/sh',
  'a b:x:1001:1001::/:/bin/sh',
  `${'a'.repeat(65)}:x:1001:1001::/:/bin/sh`,
])('%j is nobody', (line) => {
  expect(parsePasswdLine(line)).toBeUndefined()
})

test('whatever the line, a user has a name and a number', () => {
  const field = fc.string({ unit: fc.constantFrom(...'ab01-+. \\\0#é'), maxLength: 6 })
  fc.assert(
    fc.property(fc.array(field, { minLength: 5, maxLength: 9 }), (fields) => {
      const user = parsePasswdLine(fields.join(':'))
      if (user === undefined) return
      expect(isZoneLogin(user.login)).toBe(true)
      expect([user.login, String(user.uid)]).toEqual([fields[0], fields[2]])
    }),
  )
})
