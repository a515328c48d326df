/** `sreg status`: needs no login; tells more with one. */
import type { RotationInfo, SinkStatus, StatusResponse } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { formatDuration, formatSize, formatTime } from '../format.ts'
import { formatPairs } from '../table.ts'

export async function run(context: Context): Promise<undefined> {
  const answer = await context.withRegistry('if-usable', (registry) => registry.status())
  const text = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : String(value)
  const last = answer.last_backup
  await context.print(answer, () =>
    formatPairs([
      ['Status', answer.status],
      ['State', answer.state],
      ['Initialized', answer.initialized ? 'yes' : 'no'],
      ['Version', answer.version],
      ...(answer.share_progress ?? []).map(
        ({ have, need, recovery }) =>
          ['Shares', `${have} of ${need}${recovery === true ? ' for recovery' : ''}`] as const,
      ),
      ['Uptime', answer.uptime_s === undefined ? undefined : formatDuration(answer.uptime_s)],
      ['Socket', answer.socket ?? context.socket],
      ['Database', answer.database],
      ['Audit', answer.audit],
      ['Keys', text(answer.entries)],
      ['Size', answer.size_bytes === undefined ? undefined : formatSize(answer.size_bytes)],
      ['Revision', text(answer.revision)],
      ['Sessions', text(answer.sessions)],
      ['Connections', text(answer.connections)],
      ['Store', answer.store],
      ['Log', answer.log],
      ['Checkpoint', checkpointOf(answer.last_checkpoint)],
      ...(answer.sinks ?? []).map((sink) => [`Sink ${sink.name}`, sinkOf(sink)] as const),
      ['Rotation', rotationOf(answer.rotation)],
      ['Last backup', last === undefined ? undefined : `${formatTime(last.at)}, ${last.where}`],
      ...(answer.warnings ?? []).map((warning) => ['Warning', warning] as const),
    ]),
  )
  if (answer.state === 'uninitialized') await context.note('not initialised; run: sreg init')
  if (answer.state === 'sealed') await context.note('sealed; run: sreg unlock')
}

function rotationOf(rotation: RotationInfo | undefined): string | undefined {
  if (rotation === undefined) return undefined
  const { phase, done, total } = rotation
  return phase === 'values' ? `${done} of ${total} entries` : phase
}

function checkpointOf(last: StatusResponse['last_checkpoint']): string | undefined {
  return last === undefined ? undefined : `${formatTime(last.at)}, record ${last.sequence}`
}

function sinkOf({ state, sequence, lag, since, error }: SinkStatus): string {
  const started = since === undefined ? '' : ` since ${formatTime(since)}`
  const behind = lag === 0 ? '' : `, ${lag} behind`
  return `${state}${started}, up to record ${sequence}${behind}${error === undefined ? '' : `: ${error}`}`
}
