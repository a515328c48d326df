/** `sreg diff`: two versions of a value, compared here. */
import type { RegistryConnection } from '@secreg/client'
import type { GetResponse } from '@secreg/protocol'
import { versionOperand } from '../change-versions.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import { indentJson } from '../indent-json.ts'
import { diffLines, formatHunks } from '../line-diff.ts'
import { readHistory } from '../read-history.ts'

interface Sides {
  readonly from: GetResponse
  readonly to: GetResponse
}

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const named = context.invocation.operands
    .slice(1)
    .map((_, index) => versionOperand(context, index + 1, index === 0 ? 'from' : 'to'))
  const { from, to } = await context.withRegistry('needed', async (registry): Promise<Sides> => {
    const [first, second] = await versionsOf(registry, key, named)
    return { from: await read(registry, key, first), to: await read(registry, key, second) }
  })
  const same = from.type === to.type && from.value === to.value
  const encrypted = from.encrypted || to.encrypted
  const shown = !same && (!encrypted || context.flag('decrypt'))
  const lines = shown ? differenceOf(from, to) : undefined
  const answer = {
    key,
    from: from.version,
    to: to.version,
    same,
    from_type: from.type,
    to_type: to.type,
    encrypted,
    ...(lines === undefined ? {} : { diff: lines.join('\n') }),
  }
  const terminal = context.io.stdout.isTTY === true
  await context.print(answer, () => {
    if (same) return 'same'
    if (lines === undefined) return 'differs'
    const head = [`--- ${titleOf(key, from)}`, `+++ ${titleOf(key, to)}`].map(printable)
    // Into a pipe, a line of a value goes as it is, like the value itself.
    return [...head, ...(terminal ? lines.map(printable) : lines)].join('\n')
  })
  if (!same && encrypted && !shown) {
    await context.note(`${key} is encrypted; --decrypt shows what differs`)
  }
}

const titleOf = (key: string, { version, type }: GetResponse): string =>
  `${key} version ${version} (${type})`

/** The two versions to compare: as named, else up to the active one. */
async function versionsOf(
  registry: RegistryConnection,
  key: string,
  named: readonly number[],
): Promise<readonly [number, number]> {
  const [first, second] = named
  if (first !== undefined && second !== undefined) return [first, second]
  if (first !== undefined) return [first, await activeVersion(registry, key)]
  const history = await readHistory(registry, key, undefined, ({ active, versions }) =>
    versions.some(({ version, state }) => version < active && state === 'kept'),
  )
  const { active, versions } = history
  const before = versions.find(({ version, state }) => version < active && state === 'kept')
  if (active === 0 || before === undefined) {
    const what = active === 0 ? 'there is no active version' : `no version is kept before ${active}`
    throw new CliError('VERSION_NOT_FOUND', what, `name two of those that "sreg history" tells`)
  }
  return [before.version, active]
}

async function activeVersion(registry: RegistryConnection, key: string): Promise<number> {
  return (await registry.get({ key, decrypt: false })).version
}

/** A version with its value, which is decrypted to be compared. */
async function read(
  registry: RegistryConnection,
  key: string,
  version: number,
): Promise<GetResponse> {
  const plain = await registry.get({ key, version, decrypt: false })
  return plain.value === null || plain.value === undefined
    ? registry.get({ key, version, decrypt: true })
    : plain
}

/** Lines of a unified diff; `undefined` for bytes. */
function differenceOf(from: GetResponse, to: GetResponse): string[] | undefined {
  if (from.type === 'bytes' || to.type === 'bytes') return undefined
  const [a, b] = [from.value ?? '', to.value ?? '']
  const laidOut = [from, to].map(({ type, value }) =>
    type === 'json' ? indentJson(value ?? '') : undefined,
  )
  const [first, second] = laidOut
  // Laid out, two texts that differ only in their blanks would be equal.
  const texts =
    first === undefined || second === undefined || first === second ? [a, b] : [first, second]
  const [left, right] = texts.map((text) => text.split('\n'))
  return formatHunks(diffLines(left ?? [], right ?? []))
}
