/** Policies from a file or standard input, with the line and column of every mistake. */
import { basename, extname } from 'node:path'
import type { JsonValue, PolicyTextFormat } from '@secreg/policy-text'
import type { Reason } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import { readAll } from '../io.ts'
import { isInteractive } from '../secrets.ts'
import { readFile } from '../value-source.ts'

/** As `@secreg/policy-text` takes it. */
const MAX_BYTES = 1024 * 1024

export type Document = Readonly<Record<string, JsonValue>>

/** A text that was read. */
export interface PolicyFile {
  readonly document: Document | readonly JsonValue[]
  /** Its name without directories and ending; `undefined` of standard input. */
  readonly stem: string | undefined
  /** The error of a mistake at a JSON Pointer. */
  mistake(pointer: string, message: string, reason?: Reason): CliError
}

/**
 * Read a file.
 *
 * @param formats - those that it can have; the first that fits the name, else the first letter, is taken
 * @throws CliError `POLICY_INVALID` with the place, and the failures of reading
 */
export async function readPolicyFile(
  context: Context,
  source: string,
  formats: readonly PolicyTextFormat[],
): Promise<PolicyFile> {
  const name = source === '-' ? 'standard input' : source
  const text = decode(name, await bytesOf(context, source))
  const { parsePolicyText, PolicyTextError } = await import('@secreg/policy-text')
  const format = formatOf(context, source, text, formats)
  try {
    const { document, locate } = parsePolicyText(text, { format, name })
    const mistake = (pointer: string, message: string, reason?: Reason): CliError => {
      const { line, column } = locate(pointer)
      return invalid(`${name}:${line}:${column}: ${message}`, undefined, reason)
    }
    if (typeof document !== 'object' || document === null) {
      throw mistake('', 'it has to be an object')
    }
    const stem = source === '-' ? undefined : basename(source, extname(source))
    return { document: document as PolicyFile['document'], stem, mistake }
  } catch (error) {
    throw PolicyTextError.is(error) ? invalid(error.message, error) : error
  }
}

/** Read a file that has to hold one object. */
export async function readDocument(
  context: Context,
  source: string,
): Promise<PolicyFile & { readonly document: Document }> {
  const file = await readPolicyFile(context, source, ['json', 'toml'])
  if (Array.isArray(file.document)) throw file.mistake('', 'it has to be an object')
  return { ...file, document: file.document as Document }
}

function invalid(message: string, cause?: unknown, reason: Reason = 'POLICY_INVALID'): CliError {
  return new CliError(reason, printable(message), undefined, { cause })
}

function bytesOf(context: Context, source: string): Promise<Uint8Array> {
  if (source !== '-') return readFile(source, MAX_BYTES)
  if (isInteractive(context)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'standard input is a terminal',
      'give a file, or write the policy to standard input',
    )
  }
  return readAll(context.io.stdin, MAX_BYTES)
}

function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw invalid(`${name} is not UTF-8 text`)
  }
}

function formatOf(
  context: Context,
  source: string,
  text: string,
  formats: readonly PolicyTextFormat[],
): PolicyTextFormat {
  const named = context.text('format')
  const ending = extname(source).slice(1).toLowerCase()
  const known = formats.find((format) => format === named) ?? formats.find((one) => one === ending)
  // Nothing but JSON begins so: a table of TOML with a bracket, whose name follows it.
  const looksLikeJson = /^\s*(?:\{|\[\s*[{\]"])/.test(text)
  const other = formats.find((format) => format !== 'json') ?? 'json'
  return known ?? (looksLikeJson ? 'json' : other)
}
