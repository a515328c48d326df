/** What `sreg import` was given, as entries. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Path } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError, fileError } from '../errors.ts'
import { readAll } from '../io.ts'
import { startProgress } from '../progress.ts'
import { readSecrets } from '../secrets.ts'
import { readJsonTree } from './json-source.ts'
import { EntryList, prefixOf, type Source } from './staged-entry.ts'
import { readTree } from './tree-source.ts'

/** Largest file that is read. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024

/**
 * Read the entries to import. A secreg export is recognised by itself, a directory is a tree; anything else needs
 * `--format`.
 *
 * @throws CliError when it cannot be read or is not what it should be
 */
export async function readSource(context: Context): Promise<Source> {
  const path = context.operand(0)
  const prefix = prefixOf(context.text('prefix'))
  const format = context.text('format')
  if (path === '-' && context.flag('password-stdin')) {
    throw new CliError('INVALID_ARGUMENT', 'standard input cannot be the file and the passphrase')
  }
  if (path !== '-' && (await isDirectory(path))) {
    if (format !== undefined && format !== 'tree') {
      throw new CliError('INVALID_ARGUMENT', `${path} is a directory`, 'give --format tree')
    }
    refuseDecrypt(context, 'a directory')
    const bar = await startProgress(context, 'reading', 0)
    try {
      return withEncryption(context, await readTree(path, prefix, bar.update))
    } finally {
      bar.stop()
    }
  }
  if (format === 'tree') {
    throw new CliError('INVALID_ARGUMENT', `${path} is not a directory`)
  }
  const text = await readText(context, path)
  if (format === 'dotenv') {
    refuseDecrypt(context, 'a dotenv file')
    const { readDotenv } = await import('./dotenv-source.ts')
    return withEncryption(context, readDotenv(text, prefix))
  }
  const value = parseJson(path, text, format)
  if (format === 'json') {
    refuseDecrypt(context, 'a JSON tree')
    return withEncryption(context, readJsonTree(value, prefix))
  }
  return readSecregExport(context, path, value, prefix)
}

function refuseDecrypt(context: Context, what: string): void {
  if (!context.flag('decrypt') && !context.flag('password-stdin')) return
  throw new CliError('INVALID_ARGUMENT', `${what} is not encrypted`, 'leave --decrypt out')
}

function withEncryption(context: Context, source: Source): Source {
  if (!context.flag('encrypt')) return source
  return { ...source, entries: source.entries.map((entry) => ({ ...entry, encrypt: true })) }
}

async function readSecregExport(
  context: Context,
  path: string,
  value: unknown,
  prefix: Path | '',
): Promise<Source> {
  const { decryptExport, exportFormatOf, readExport } = await import('../export-format.ts')
  const kind = exportFormatOf(value)
  let document = value
  if (kind === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `${path} is not a secreg export`,
      'for a JSON tree give --format json',
    )
  }
  if (kind === 'encrypted') {
    if (!context.flag('decrypt')) {
      throw new CliError('INVALID_ARGUMENT', `${path} is encrypted`, 'give --decrypt')
    }
    const [passphrase = ''] = await readSecrets(context, [{ question: 'Passphrase of the export' }])
    document = await decryptExport(value, passphrase)
    if (exportFormatOf(document) !== 'plain') {
      throw new CliError('INVALID_ARGUMENT', `${path} holds no secreg export`)
    }
  } else refuseDecrypt(context, 'this export')
  const list = new EntryList()
  for (const { key, value: text, type, encrypted } of readExport(document)) {
    const encrypt = encrypted || context.flag('encrypt')
    list.attempt(key, () =>
      list.put({ key: `${prefix}${key}`, value: text, type, ...(encrypt ? { encrypt } : {}) }),
    )
  }
  return { entries: list.finish(), skipped: {} }
}

function parseJson(path: string, text: string, format: string | undefined): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw format === 'json'
      ? new CliError('INVALID_ARGUMENT', `${path} is not JSON`)
      : new CliError(
          'INVALID_ARGUMENT',
          `${path} is not a secreg export`,
          'for another kind of file give --format dotenv or --format json',
        )
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    return (await file.stat()).isDirectory()
  } catch (error) {
    throw fileError(path, error)
  }
}

async function readText(context: Context, path: string): Promise<string> {
  const bytes =
    path === '-' ? await readAll(context.io.stdin, MAX_FILE_BYTES) : await readFile(path)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CliError('INVALID_ARGUMENT', `${path} is not UTF-8 text`)
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, constants.O_RDONLY)
    const { size } = await file.stat()
    if (size > MAX_FILE_BYTES) throw new CliError('VALUE_TOO_LARGE', `${path} is too large`)
    return await file.readFile()
  } catch (error) {
    throw error instanceof CliError ? error : fileError(path, error)
  }
}
