/** The value of a secret to be written: an operand as of `sreg set`, a file, or what is typed on a terminal. */
import { LIMITS } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { readAll } from '../io.ts'
import { isInteractive, readSecrets } from '../secrets.ts'
import { bytesOf, readFile } from '../value-source.ts'

/** A newline more than the largest body. */
const MAX_BYTES = LIMITS.secretsBodyBytes + 2

/** A value as it is sent. */
export interface SecretValue {
  /** JSON text, as it was given where it was JSON: reading and writing it would change numbers. */
  readonly json: string
  /** It stood in the arguments, which other processes can read. */
  readonly visible: boolean
}

/**
 * Get a value: JSON where the URI names no key, or `--type json` says so; else text.
 *
 * @throws CliError when there is none, or it cannot be read, is too large, or is not what it has to be
 */
export async function readSecretValue(context: Context, uri: string): Promise<SecretValue> {
  const [, operand] = context.invocation.operands
  const { text, visible } = await textOf(context, operand, context.text('value-file'))
  const type = context.text('type') ?? (uri.includes('#') ? 'string' : 'json')
  if (type === 'string') return { json: JSON.stringify(text), visible }
  try {
    JSON.parse(text)
  } catch {
    // What the parser says quotes the value.
    throw new CliError('VALUE_INVALID', 'the value is not JSON', notJson(uri))
  }
  return { json: text, visible }
}

function notJson(uri: string): string {
  return uri.includes('#')
    ? 'without --type json, it is a text'
    : 'without a #key, it is the whole secret: an object such as {"user":"app","password":"…"}'
}

async function textOf(
  context: Context,
  operand: string | undefined,
  file: string | undefined,
): Promise<{ readonly text: string; readonly visible: boolean }> {
  if (operand !== undefined && file !== undefined) {
    throw new CliError('INVALID_ARGUMENT', 'give a value or --value-file, not both')
  }
  if (operand === undefined && file === undefined)
    return { text: await typed(context), visible: false }
  const bytes =
    file === undefined
      ? await bytesOf(context, operand ?? '', MAX_BYTES)
      : await bytesIn(context, file)
  if (bytes === undefined) {
    const given = operand ?? ''
    return { text: given.startsWith('@@') ? given.slice(1) : given, visible: true }
  }
  const text = decode(bytes)
  const cut = !context.flag('raw') && text.endsWith('\n')
  return { text: cut ? text.slice(0, -1) : text, visible: false }
}

function bytesIn(context: Context, file: string): Promise<Uint8Array> {
  return file === '-'
    ? readAll(context.io.stdin, MAX_BYTES)
    : readFile(file, LIMITS.secretsBodyBytes, MAX_BYTES)
}

async function typed(context: Context): Promise<string> {
  if (!isInteractive(context)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'standard input is not a terminal',
      'give - and write the value to standard input, or give --value-file FILE',
    )
  }
  const [value = ''] = await readSecrets(context, [{ question: 'Value', again: 'Value again' }])
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CliError(
      'VALUE_INVALID',
      'the value is not UTF-8 text',
      'encode it, for example in base64',
    )
  }
}
