/** Whether records of the audit log arrive where they are sent. */
import type { SinkStatus } from '@secreg/protocol'
import { type Diagnosis, finding } from '@secreg/registry'

export function sinkFindings(sinks: readonly SinkStatus[]): readonly Diagnosis[] {
  return sinks.map(({ name, state, lag, error }) => {
    const check = `audit sink ${name}`
    if (state !== 'retrying') return finding(check, 'ok', `${lag} records on their way`)
    const message = `it takes nothing (${error ?? 'unknown'}); ${lag} records wait for it`
    return finding(check, 'warning', message, 'look at the receiver; nothing is lost meanwhile')
  })
}
