import { describe, expect, test } from 'vitest'
import { CASES, type CaseOutcome, runCases } from '../cases.ts'
import { registrySite } from './site.ts'

describe('the cases over a registry', async () => {
  const site = await registrySite()
  const outcomes = await runCases(site)
  await site.close()

  for (const { id, note = '' } of CASES) {
    test(`${id} ${note}`, () => {
      const { close, faults } = outcomes.get(id) as CaseOutcome
      expect(faults).toEqual([])
      expect(close).toBe(note.includes('then the server closes'))
    })
  }

  test('what is told, in all', () => {
    const told = CASES.flatMap(({ id }) => {
      const { error } = outcomes.get(id) as CaseOutcome
      return error === '' ? [] : [`${id} ${error}`]
    })
    expect(told).toMatchInlineSnapshot(`
      [
        "S005 cmd: no such command",
        "S006 cmd: expected the name of a command",
        "S007 cmd: expected the name of a command",
        "S008 the request is not a JSON object in UTF-8",
        "S009 the request is not a JSON object in UTF-8",
        "S010 a key is given twice",
        "S012 not permitted",
        "S014 the account exists already",
        "S015 no such zone or user",
        "S016 no such zone or user",
        "S017 zone: expected 1 to 64 of A-Z, a-z, 0-9, dot, underscore and minus",
        "S018 zone: expected 1 to 64 of A-Z, a-z, 0-9, dot, underscore and minus",
        "S021 not permitted",
        "S023 no such zone or account",
        "S025 the zone does not allow it",
        "S026 comment: expected at most 255 characters on one line",
        "S027 the caller has no login name",
        "S030 not permitted",
        "S031 login failed",
        "S032 login failed",
        "S033 login failed",
        "S034 login failed",
        "S035 passwd: expected 1 to 1024 characters",
        "S036 login failed",
        "S037 login failed",
        "S040 ident: expected 4 hexadecimal digits",
        "S041 not permitted",
        "S043 login failed",
        "S044 no such zone, account or token",
        "S045 not permitted",
        "S046 passwd: expected 1 to 256 bytes without minus",
        "S047 passwd: expected 1 to 256 bytes without minus",
        "S048 the zone does not allow it",
        "S051 login failed",
        "S053 login failed",
        "S054 auth-passwd was not accepted",
        "S055 allow: expected 0 or 1",
        "S058 auth-passwd was not accepted",
        "S059 auth-passwd was not accepted",
        "S061 auth-passwd was not accepted",
        "S062 auth-passwd was not accepted",
        "S063 auth-passwd was not accepted",
        "S064 not permitted",
        "S067 the zone does not allow it",
        "S068 auth-passwd was not accepted",
        "S070 auth-passwd was not accepted",
        "S073 login failed",
        "S074 login failed",
        "S075 login failed",
        "S076 auth-passwd was not accepted",
        "S077 validity: longer than the zone allows",
        "S078 validity: expected a whole number of seconds, at least 1",
        "S079 validity: expected a whole number of seconds, at least 1",
        "S080 validity: expected a whole number of seconds, at least 1",
        "S081 validity: expected a whole number of seconds, at least 1",
        "S082 the zone does not allow it",
        "S083 login failed",
        "S089 not permitted",
        "S094 login failed",
        "S098 login failed",
        "S099 no such zone, account or password",
        "S101 not permitted",
        "S103 login failed",
        "S105 login failed",
        "S107 login failed",
        "S109 no such zone or account",
        "S111 no such zone or account",
      ]
    `)
  })
})
