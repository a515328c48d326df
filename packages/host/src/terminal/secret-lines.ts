/** Secrets from standard input, one line each, no byte more than needed. */
import { HostError } from '../errors.ts'

const LINES_MAX = 16

/** Longest line, bytes. */
export const SECRET_LINE_BYTES: number = 16 * 1024

/**
 * Read one line for each name; a line ends with a newline or with the input.
 *
 * @param names - what the lines are, for messages
 * @throws HostError `ERR_HOST_INPUT` when a line is missing, empty or not UTF-8, `ERR_HOST_INPUT_TOO_LARGE`
 */
export async function readSecretLines(
  input: AsyncIterable<Uint8Array | string>,
  names: readonly string[],
): Promise<string[]> {
  const lines = (await readText(input, names.length)).split('\n')
  return names.map((name, index) => {
    const line = lines[index] ?? ''
    if (line === '') {
      throw new HostError(
        'ERR_HOST_INPUT',
        `line ${index + 1} of standard input is missing or empty: ${name}`,
      )
    }
    return line
  })
}

/**
 * Read every line to the end of the input; empty ones are left out.
 *
 * @throws HostError `ERR_HOST_INPUT` when it is not UTF-8, `ERR_HOST_INPUT_TOO_LARGE` beyond 16 lines of the longest
 */
export async function readAllSecretLines(
  input: AsyncIterable<Uint8Array | string>,
): Promise<string[]> {
  const text = await readText(input, LINES_MAX, true)
  return text.split('\n').filter((line) => line !== '')
}

async function readText(
  input: AsyncIterable<Uint8Array | string>,
  wanted: number,
  toEnd = false,
): Promise<string> {
  let bytes = Buffer.alloc(0)
  const complete = (): boolean => {
    let lines = 0
    for (const byte of bytes) if (byte === 0x0a) lines++
    return lines >= wanted
  }
  for await (const chunk of input) {
    bytes = Buffer.concat([bytes, typeof chunk === 'string' ? Buffer.from(chunk) : chunk])
    if (bytes.length > wanted * SECRET_LINE_BYTES) {
      throw new HostError(
        'ERR_HOST_INPUT_TOO_LARGE',
        `a secret must not exceed ${SECRET_LINE_BYTES} bytes`,
      )
    }
    if (!toEnd && complete()) break
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new HostError('ERR_HOST_INPUT', 'standard input is not UTF-8')
  } finally {
    bytes.fill(0)
  }
}
