/** `sreg watch`: a line for each change, until a signal. */
import type { Watch } from '@secreg/client'
import { type ChangeEvent, type RequestOf, SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { hasControl, printable, safeJson } from '../escape.ts'
import { hintOf } from '../hints.ts'
import { writeAll } from '../io.ts'
import { shellWord } from '../shell-word.ts'
import { untilSignal } from '../signals.ts'

export async function run(context: Context): Promise<undefined> {
  const request = requestOf(context)
  await untilSignal((signal) =>
    context.withRegistry('needed', async (registry) => {
      await using watch = await registry.watch(request, { signal })
      try {
        for await (const { revision, events } of watch) {
          if (events.length > 0) await printEvents(context, watch.generation, revision, events)
        }
      } catch (error) {
        throw signal.aborted ? error : interrupted(context, watch, error)
      }
    }),
  )
}

function requestOf(context: Context): RequestOf<'watch'> {
  const path = context.operand(0)
  const exact = context.flag('exact')
  if (exact && context.flag('no-recursive')) {
    throw new CliError('INVALID_ARGUMENT', '--exact and --no-recursive exclude each other')
  }
  const since = context.whole('since', 0)
  const generation = context.text('generation')
  if (generation !== undefined && since === undefined) {
    throw new CliError('INVALID_ARGUMENT', '--generation is only for --since')
  }
  return {
    ...(exact ? { key: path } : { prefix: path }),
    ...(context.flag('no-recursive') ? { recursive: false } : {}),
    ...(since === undefined ? {} : { since_revision: since }),
    ...(generation === undefined ? {} : { generation }),
    // So that the place from which to go on keeps up also where nothing happens.
    progress: true,
  }
}

/** All of a revision at once: who reads lines sees it whole or not yet. */
async function printEvents(
  context: Context,
  generation: string,
  revision: number,
  events: readonly ChangeEvent[],
): Promise<void> {
  const { stdout } = context.io
  const keyOf = (key: string): string =>
    stdout.isTTY === true || hasControl(key) ? printable(key) : key
  const lines = events.map(({ op, key, version, type, encrypted }) =>
    context.json
      ? safeJson({ revision, generation, op, key, version, type, encrypted })
      : `${revision} ${printable(op)} ${keyOf(key)} ${version}`,
  )
  await writeAll(stdout, `${lines.join('\n')}\n`)
}

/** The error of a watch that has ended, with the command that goes on where it stopped. */
function interrupted(context: Context, watch: Watch, error: unknown): unknown {
  if (!SecregError.is(error)) return error
  const lost = error.reason === 'UNREACHABLE'
  const overflow = error.reason === 'BUSY'
  const command = resumption(context, watch)
  const before = lost || overflow ? undefined : hintOf(error)
  return new CliError(
    error.reason,
    lost ? 'the connection to the daemon was lost' : printable(error.message),
    before === undefined ? `go on with: ${command}` : `${before}; then go on with: ${command}`,
    { cause: error },
  )
}

function resumption(context: Context, { revision, generation }: Watch): string {
  const switches = ['exact', 'no-recursive', 'json'].filter((name) => context.flag(name))
  const socket = context.text('socket')
  return [
    'sreg watch',
    shellWord(context.operand(0)),
    ...switches.map((name) => `--${name}`),
    ...(socket === undefined ? [] : ['--socket', shellWord(socket)]),
    '--since',
    revision,
    '--generation',
    shellWord(generation),
  ].join(' ')
}
