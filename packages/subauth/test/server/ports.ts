/** Ports for tests of what stands on them. */
import type { SubauthPort } from '@secreg/subauth/server'

/** A port on which every method does the same. */
export function portOf(run: (method: string, argument: unknown) => unknown): SubauthPort {
  const method =
    (name: string) =>
    async (...given: unknown[]): Promise<never> =>
      (await run(name, given[0])) as never
  return Object.fromEntries(METHODS.map((name) => [name, method(name)])) as never
}

const METHODS: readonly (keyof SubauthPort)[] = [
  'createAccount',
  'deleteAccount',
  'createToken',
  'deleteToken',
  'changeToken',
  'setPasswd',
  'deletePasswd',
  'createTemp',
  'login',
  'allowPasswdAuth',
  'accounts',
  'zones',
]

/** A port that does everything, and answers more than it is asked. */
export const GENEROUS: SubauthPort = portOf((method) => {
  const more = { token: 'abcd-1', ident: 'abcd', secret: 'more', login: 'alice', hash: 'more' }
  if (method === 'login') return true
  const entries = [
    { ...more, type: 'passwd', modifiedAtS: 1 },
    { ...more, type: 'token', comment: '', modifiedAtS: 2 },
  ]
  if (method === 'accounts') {
    return { ...more, accounts: [{ ...more, zone: 'z', allowPasswdAuth: true, tokens: entries }] }
  }
  if (method === 'zones') {
    const flags = { allowPasswd: true, allowTokens: false, allowPasswdAuth: false }
    return [{ ...more, zone: 'z', description: 'Z', ...flags, maxTempValidityS: 60 }]
  }
  return more
})
