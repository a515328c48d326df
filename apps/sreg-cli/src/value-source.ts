/** The value of `sreg set`: an operand, `-` for standard input, `@FILE` for a file, `@@` for a first `@`. */
import { constants, promises } from 'node:fs'
import { encodeBase64, LIMITS } from '@secreg/protocol'
import type { Context } from './context.ts'
import { CliError, fileError } from './errors.ts'
import { readAll } from './io.ts'

/** A newline more than the largest value. */
const MAX_BYTES = LIMITS.valueBytes + 2

/** A value as it goes to the registry. */
export interface SourcedValue {
  readonly value: string
  /** It stood in the arguments, which other processes can read. */
  readonly visible: boolean
}

/**
 * Read a value.
 *
 * @param type - `bytes` keeps every byte, in base64; anything else is text, without one last newline unless `--raw`
 * @throws CliError when it cannot be read, is too large, or is not UTF-8
 */
export async function readValue(
  context: Context,
  operand: string,
  type: string | undefined,
): Promise<SourcedValue> {
  const bytes = await bytesOf(context, operand)
  if (bytes === undefined) {
    return { value: operand.startsWith('@@') ? operand.slice(1) : operand, visible: true }
  }
  if (type === 'bytes' || type === 'binary') return { value: encodeBase64(bytes), visible: false }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CliError('VALUE_INVALID', 'the value is not UTF-8 text', 'give --type bytes')
  }
  return {
    value: context.flag('raw') || !text.endsWith('\n') ? text : text.slice(0, -1),
    visible: false,
  }
}

/**
 * Bytes that an operand stands for; undefined for one that is the value itself.
 *
 * @param most - bytes that are read
 */
export async function bytesOf(
  context: Context,
  operand: string,
  most: number = MAX_BYTES,
): Promise<Uint8Array | undefined> {
  if (operand === '-') return readAll(context.io.stdin, most)
  if (!operand.startsWith('@') || operand.startsWith('@@')) return undefined
  const path = operand.slice(1)
  if (path === '') throw new CliError('INVALID_ARGUMENT', '@ needs the name of a file')
  return readFile(path, LIMITS.valueBytes, most)
}

/**
 * Read a file, whose size need not be what it says, such as one of /proc or a pipe.
 *
 * @param limit - bytes that a message names
 * @param most - bytes that are read
 * @throws CliError when it cannot be read or is too large
 */
export async function readFile(
  path: string,
  limit: number,
  most: number = limit,
): Promise<Uint8Array> {
  try {
    return await readBounded(path, limit, most)
  } catch (error) {
    throw error instanceof CliError ? error : fileError(path, error)
  }
}

async function readBounded(path: string, limit: number, most: number): Promise<Uint8Array> {
  await using file = await promises.open(path, constants.O_RDONLY)
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024))
    if (bytesRead === 0) return Buffer.concat(chunks)
    size += bytesRead
    if (size > most) throw new CliError('VALUE_TOO_LARGE', `${path} exceeds ${limit} bytes`)
    chunks.push(buffer.subarray(0, bytesRead))
  }
}
