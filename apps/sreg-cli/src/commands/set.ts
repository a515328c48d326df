/** `sreg set`: a value from the command line, standard input or a file. */
import type { Context } from '../context.ts'
import { readValue } from '../value-source.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const type = context.text('type')
  const encrypt = context.flag('encrypt')
  const ifVersion = context.whole('if-version', 0)
  const ifRevision = context.whole('if-revision', 0)
  const ttl = context.seconds('ttl')
  const { value, visible } = await readValue(context, context.operand(1), type)
  const answer = await context.withRegistry('needed', (registry) =>
    registry.set({
      key,
      value,
      encrypt,
      ...(type === undefined ? {} : { type }),
      ...(ifVersion === undefined ? {} : { if_version: ifVersion }),
      ...(ifRevision === undefined ? {} : { if_revision: ifRevision }),
      ...(ttl === undefined ? {} : { ttl_s: ttl }),
      ...(context.flag('private') ? { private: true } : {}),
      ...(context.flag('ephemeral') ? { ephemeral: true } : {}),
    }),
  )
  await context.print(answer, () => '')
  if (encrypt && visible && context.io.stderr.isTTY === true) {
    await context.note(
      'the value was visible to other processes; give - and write it to standard input',
    )
  }
  if (context.verbose) await context.note(`${key} has version ${answer.version}`)
}
