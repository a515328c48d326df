/** The server that `sreg import --format setec` reads, and its address. */
import { readSecretLines } from '@secreg/host/terminal'
import { Client, type SecretMetadata } from '@secreg/setec'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { isInteractive, terminalOf } from '../../secrets.ts'
import { asCliError } from '../../terminal.ts'

/** A server. */
export interface Server {
  /** How messages name it: nothing of its address that could be a credential. */
  readonly host: string
  readonly client: Client
  /** The secrets that it shows. */
  readonly list: () => Promise<readonly SecretMetadata[]>
}

/** Longest list that is read, bytes: some hundred thousand secrets. Values have the client's own bound. */
const MAX_LIST_BYTES = 16 * 1024 * 1024

const USER_INFO = /^[^/?#]*\/\/[^/?#]*@/
/** The gateway of the registry takes a token so. */
const TOKEN_PATH = /\/t\/[^/]/

/**
 * Take the server from the operand; `-` stands for a line of standard input, whose address may have a credential in it.
 *
 * @throws CliError `INVALID_ARGUMENT`, which quotes no address
 */
export async function serverOf(context: Context): Promise<Server> {
  const operand = context.operand(0)
  if (operand !== '-') refuseCredential(operand)
  const address = operand === '-' ? await readAddress(context) : operand
  try {
    const lister = new Client(address, { maxAnswerBytes: MAX_LIST_BYTES })
    const { host } = new URL(address)
    return { host, client: new Client(address), list: () => lister.list() }
  } catch (error) {
    const message = error instanceof Error ? error.message.replace(/^server: /, '') : 'no URL'
    throw new CliError('INVALID_ARGUMENT', `address of the server: ${message}`)
  }
}

function refuseCredential(address: string): void {
  if (!USER_INFO.test(address) && !TOKEN_PATH.test(address)) return
  throw new CliError(
    'INVALID_ARGUMENT',
    'the address holds a credential, which other processes can read in the arguments',
    'give - instead, and write the address to standard input',
  )
}

async function readAddress(context: Context): Promise<string> {
  if (isInteractive(context)) return terminalOf(context).ask('Address of the server: ', false)
  const [address = ''] = await readSecretLines(context.io.stdin, ['address of the server']).catch(
    asCliError,
  )
  return address
}
