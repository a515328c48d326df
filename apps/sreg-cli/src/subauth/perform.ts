/** What each operation asks of the server, and what it prints. */
import { durationOf, parseDuration } from '../duration.ts'
import { CliError } from '../errors.ts'
import { assertSecret } from '../shown-secret.ts'
import { parseWhole } from '../whole.ts'
import { accountsTable } from '../zone-tables.ts'
import { readOperationSecrets, type Secrets } from './ask.ts'
import type { SubauthCalls } from './client.ts'
import { accountInfosOf, zoneInfoOf, zonesTable } from './listings.ts'
import type { OperationName } from './option-table.ts'
import type { Use } from './use.ts'

type Perform = (use: Use, server: SubauthCalls, secrets: Secrets) => Promise<void>

const PERFORM: Readonly<Record<Exclude<OperationName, 'pam'>, Perform>> = {
  zones: async (use, server) => {
    const zones = await server.zones()
    await use.print({ zones: zones.map(zoneInfoOf) }, () => zonesTable(zones))
  },
  list: async (use, server) => {
    const of = await server.accounts(loginOf(use))
    const accounts = accountInfosOf(of)
    await use.print({ login: of.login, accounts }, () => accountsTable(accounts, true))
  },
  passwd: async (use, server, secrets) => {
    await server.setPasswd({ ...managed(use, secrets), passwd: secrets.passwd })
    await done(use, 'the password is set')
  },
  'delete-passwd': async (use, server, secrets) => {
    await server.deletePasswd(managed(use, secrets))
    await done(use, 'the password is removed')
  },
  'create-token': async (use, server, secrets) => {
    const comment = use.text('comment')
    const { token, ident } = await server.createToken({
      ...managed(use, secrets),
      ...(comment === undefined ? {} : { comment }),
    })
    await showToken(use, token, ident)
  },
  'change-token': async (use, server, secrets) => {
    const [ident, comment] = [use.needed('ident'), use.needed('comment')]
    await server.changeToken({ ...managed(use, secrets), ident, comment })
    await done(use, 'the comment is changed')
  },
  'delete-token': async (use, server, secrets) => {
    const ident = use.needed('ident')
    await server.deleteToken({ ...managed(use, secrets), ident })
    await done(use, ident === '*' ? 'all tokens are removed' : 'the token is removed')
  },
  'create-temp': async (use, server, secrets) => {
    const validity = validityOf(use.needed('validity'))
    const { token } = await server.createTemp({ ...managed(use, secrets), validity })
    await showToken(use, token)
  },
  'allow-passwd-auth': async (use, server, secrets) => {
    const allow = use.line.value === 'yes'
    await server.allowPasswdAuth({ ...managed(use, secrets), allow })
    await done(use, `the account ${allow ? 'can' : 'cannot'} be managed with its password`)
  },
  login: async (use, server, { passwd }) => {
    await server.login({ zone: use.needed('zone'), ...loginOf(use), passwd })
    await use.print({ matches: true }, () => 'accepted')
  },
  'create-acct': async (use, server) => {
    await server.createAccount(use.needed('zone'), use.needed('user'))
    await done(use, 'the account is added')
  },
  'delete-acct': async (use, server) => {
    await server.deleteAccount(use.needed('zone'), use.needed('user'))
    await done(use, 'the account is removed')
  },
}

/**
 * Do what a command line asks for.
 *
 * @throws SubauthError when the server refuses it or is not there; CliError
 */
export async function perform(use: Use): Promise<void> {
  const { name } = use.line.operation
  if (name === 'pam') throw new TypeError('PAM has a way of its own')
  checkValidity(use)
  const secrets = await readOperationSecrets(use)
  await use.withServer((server) => PERFORM[name](use, server, secrets))
}

/** What is wrong is told before somebody types a secret. */
function checkValidity(use: Use): void {
  const text = use.text('validity')
  if (text !== undefined) validityOf(text)
}

function validityOf(text: string): number {
  const what = '--validity'
  const seconds =
    durationOf(text) === undefined ? parseWhole(text, what, 1) : parseDuration(text, what)
  if (seconds > 0) return seconds
  throw new CliError('INVALID_ARGUMENT', `${what} must not be 0`)
}

function loginOf(use: Use): { readonly login?: string } {
  const login = use.text('user')
  return login === undefined ? {} : { login }
}

function managed(use: Use, { authPasswd }: Secrets) {
  const zone = use.needed('zone')
  return { zone, ...loginOf(use), ...(authPasswd === undefined ? {} : { authPasswd }) }
}

async function done(use: Use, what: string): Promise<void> {
  await use.print({ success: true }, () => '')
  await use.note(what)
}

/** The token alone on standard output, in the words of `sreg zone create-token`. */
async function showToken(use: Use, secret: string, ident?: string): Promise<void> {
  assertSecret(secret)
  await use.print({ ...(ident === undefined ? {} : { ident }), secret }, () => secret)
  await use.note(`the token ${ident ?? ''}`.trimEnd().concat(' is shown this once'))
}
