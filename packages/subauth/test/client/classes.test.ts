/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and what its packets hold. */
import { SubauthCommands, SubauthError } from '@secreg/subauth'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { scripted } from './exchanges.ts'

describe('class 22: what fails shows no secret that was sent or came', () => {
  const old = createCanary('old')
  const fresh = createCanary('fresh')
  const token = createCanary('token')

  test.each([
    ['a refusal that quotes them', () => ({ error: `${old} ${fresh} ${token}` })],
    ['an answer that is none', () => `{"error":"","token":"${token} ${old} ${fresh}`],
    ['another type', () => ({ error: 7, token: [token, old, fresh] })],
    ['a token that is none', () => ({ error: '', token: `${token}\n${old}${fresh}` })],
  ])('%s', async (_what, answer) => {
    const client = new SubauthCommands(scripted(answer).exchange)
    const account = { zone: 'mail', login: 'alice', authPasswd: old }
    for (const call of [
      () => client.setPasswd({ ...account, passwd: fresh }),
      () => client.createToken(account),
      () => client.createTemp({ ...account, validity: 60 }),
      () => client.login({ zone: 'mail', passwd: fresh }),
    ]) {
      const shown = (await shownByFailure(call)) ?? ''
      // Only what the command itself sent is known to be a secret; what the server adds is its word.
      expect(shown.includes(old) && shown.includes(fresh)).toBe(false)
      expect(shown).not.toContain(token)
    }
  })

  test('a connection that is lost', async () => {
    const lost = new SubauthError('CONNECTION_LOST')
    const client = new SubauthCommands({
      request: () => Promise.reject(lost),
      close: async () => {},
    })
    const shown = await shownByFailure(() => client.login({ zone: 'mail', passwd: fresh }))
    expect(shown).toBeDefined()
    expect(shown).not.toContain(fresh)
  })
})

describe('class 28: a name is one member of one packet', () => {
  test.each([
    '../root',
    '%2e%2e',
    'a?b',
    'a#b',
    'a\0b',
    'a\n{"cmd":"delete-acct"}',
    'a","cmd":"delete-acct","x":"',
  ])('%j', async (name) => {
    const { asked, exchange } = scripted(() => ({ error: '', token: 'abcd-1', ident: 'abcd' }))
    const client = new SubauthCommands(exchange)
    await client.createAccount(name, name)
    await client.deleteToken({ zone: name, ident: name })
    await client.login({ zone: name, passwd: name })
    expect(asked).toStrictEqual([
      { cmd: 'create-acct', login: name, zone: name },
      { cmd: 'delete-token', zone: name, ident: name },
      { cmd: 'login', zone: name, passwd: name },
    ])
  })
})
