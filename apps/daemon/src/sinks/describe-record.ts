/** What a record of the audit log is to syslog: how severe, of which kind, and what to look for it by. */
import type { SyslogDescription } from '@secreg/audit/sinks'
import type { AuditBody } from '@secreg/protocol'

/** RFC 5424 §6.2.1. */
const SEVERITY = Object.freeze({ ok: 6, denied: 4, failed: 3 })

/** @param body - of an audit record */
export function describeRecord({ body }: { readonly body: unknown }): SyslogDescription {
  const { action, outcome, actor, reason, detail, paths } = body as AuditBody
  const [path] = paths
  const who = actor.user ?? actor.principal
  return {
    severity: SEVERITY[outcome],
    msgid: action,
    params: {
      action,
      outcome,
      ...(who === undefined ? {} : { user: who }),
      ...(actor.uid === undefined ? {} : { uid: String(actor.uid) }),
      door: actor.door,
      ...(path === undefined ? {} : { target: path }),
      ...(reason === undefined ? {} : { reason }),
      ...(detail === undefined ? {} : { detail }),
    },
  }
}
