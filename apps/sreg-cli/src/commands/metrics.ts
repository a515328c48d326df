/** `sreg metrics`: the figures of the daemon in the text format of Prometheus. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'

export async function run(context: Context): Promise<undefined> {
  const { metrics } = await context.withRegistry('needed', (registry) =>
    registry.maintain({ op: 'metrics' }),
  )
  if (metrics === undefined) throw new CliError('INTERNAL', 'this daemon has no figures')
  await context.print({ metrics }, () => metrics)
}
