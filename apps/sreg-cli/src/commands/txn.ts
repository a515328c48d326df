/** `sreg txn`: compare, then do the one or the other, from JSON. */
import { LIMITS, type RequestOf, type TxnResponse, type TxnResult } from '@secreg/protocol'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import { withHints } from '../hints.ts'
import { readAll } from '../io.ts'
import { readTransaction } from '../read-transaction.ts'
import { isInteractive } from '../secrets.ts'
import { readFile } from '../value-source.ts'

const HINTS = {
  VERSION_CONFLICT:
    'a "set" in it has if_version or if_revision of its own; put it into "compare" to have an "else"',
  LIMIT_EXCEEDED: 'read or write fewer entries at once',
}

export async function run(context: Context): Promise<undefined> {
  const request = readTransaction(await readSource(context))
  const answer = await withHints(HINTS, () =>
    context.withRegistry('needed', (registry) =>
      registry.txn(request, { timeoutMs: LONG_TIMEOUT_MS }),
    ),
  )
  await context.print(answer, () => resultLines(request, answer))
}

function readSource(context: Context): Promise<Uint8Array> {
  const [source = '-'] = context.invocation.operands
  if (source !== '-') return readFile(source, LIMITS.frameBytes)
  if (isInteractive(context)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'standard input is a terminal',
      'give a file, or write JSON to standard input',
    )
  }
  return readAll(context.io.stdin, LIMITS.frameBytes)
}

/** The branch and its revision, then a line for each of its operations. */
function resultLines(request: RequestOf<'txn'>, answer: TxnResponse): string {
  const { succeeded, revision, results } = answer
  const branch = (succeeded ? request.then : request.else) ?? []
  return [
    `${succeeded ? 'then' : 'else'} revision ${revision}`,
    ...results.map((result, index) =>
      printable(`${result.op} ${branch[index]?.key ?? ''} ${outcomeOf(result)}`),
    ),
  ].join('\n')
}

function outcomeOf(result: TxnResult): string {
  switch (result.op) {
    case 'set':
      return `version ${result.version}`
    case 'delete':
      return result.deleted === 0 ? 'absent' : 'deleted'
    case 'get':
      if (result.found === null) return 'absent'
      return result.found.value ?? '(encrypted)'
  }
}
