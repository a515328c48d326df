import type { ForwardRecord } from '../source.ts'

/** What a syslog header and structured data say of a record; the owner of the bodies knows. */
export interface SyslogDescription {
  /** 0 (emergency) to 7 (debug), RFC 5424 §6.2.1. */
  readonly severity: number
  /** Kind of the record, for example its action. */
  readonly msgid: string
  /** What to filter by: user, action, outcome, reason. `seq` and `leaf` are always there. */
  readonly params: Readonly<Record<string, string>>
}

export type DescribeRecord = (record: ForwardRecord) => SyslogDescription

const INFORMATIONAL = 6

/** Knows nothing of the bodies: informational, no kind, no parameters. */
export const DESCRIBE_NOTHING: DescribeRecord = () => ({
  severity: INFORMATIONAL,
  msgid: '',
  params: {},
})

/**
 * A description that is always there and always in range. A record that `describe` cannot cope with
 * must still go out: it would otherwise hold up all that come after it.
 */
export function describeSafely(describe: DescribeRecord, record: ForwardRecord): SyslogDescription {
  try {
    const { severity, msgid, params } = describe(record)
    const known = Number.isInteger(severity) && severity >= 0 && severity <= 7
    const texts = Object.entries(params).filter(([, value]) => typeof value === 'string')
    return {
      severity: known ? severity : INFORMATIONAL,
      msgid: String(msgid),
      params: Object.fromEntries(texts),
    }
  } catch {
    return DESCRIBE_NOTHING(record)
  }
}
