/** A dotenv file, read by the dotenv library: every value is a string. */
import type { Path } from '@secreg/protocol'
import { parse } from 'dotenv'
import { CliError } from '../errors.ts'
import { EntryList, type Source } from './staged-entry.ts'

/**
 * Read the entries of a dotenv file.
 *
 * @throws CliError `INVALID_ARGUMENT` when it holds no assignment, or one that cannot be an entry
 */
export function readDotenv(text: string, prefix: Path | ''): Source {
  const list = new EntryList()
  for (const [name, value] of Object.entries(parse(text))) list.add(prefix, [name], value, 'string')
  const entries = list.finish()
  if (entries.length === 0) {
    throw new CliError('INVALID_ARGUMENT', 'the file holds no NAME=value')
  }
  return { entries, skipped: {} }
}
