/** `sreg compact`: begins a compaction, or joins the one that runs, and waits for it. */
import type { RegistryConnection } from '@secreg/client'
import { type CompactionInfo, SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { formatDuration, formatSize } from '../format.ts'
import { formatPairs } from '../table.ts'

export async function run(context: Context): Promise<undefined> {
  const compaction = await context.withRegistry('needed', async (registry) => {
    let latest = await ask(registry)
    if (!latest.done) await context.note('it goes on in the background when you stop waiting')
    // Each answer comes after some seconds, or with the end.
    while (!latest.done) latest = await ask(registry, latest.job)
    return latest
  })
  await context.print({ compaction }, () => report(compaction, context.io.now()))
}

async function ask(registry: RegistryConnection, job?: number): Promise<CompactionInfo> {
  const request = { op: 'compact', ...(job === undefined ? {} : { job }) } as const
  const { compaction } = await registry.maintain(request)
  if (compaction === undefined) {
    throw new SecregError('INTERNAL', 'the daemon did not say how far the compaction is')
  }
  return compaction
}

function report({ bytes_before, bytes_after, started_at }: CompactionInfo, nowMs: number): string {
  const size = (bytes: number | undefined) => (bytes === undefined ? undefined : formatSize(bytes))
  return formatPairs([
    ['Before', size(bytes_before)],
    ['After', size(bytes_after)],
    ['Took', formatDuration((nowMs - started_at) / 1000)],
  ])
}
