/** Shapes of the answers about the audit log. */
import { anObject, array, boolean, count, number, optional, type Shape, text } from './shape.ts'

type Members = Readonly<Record<string, Shape>>

const auditRecord = anObject({
  sequence: number,
  time: text,
  action: text,
  outcome: text,
  paths: array(text),
  actor: anObject({ user: optional(text), door: optional(text) }),
  reason: optional(text),
})

export const auditAnswer: Members = {
  records: array(auditRecord),
  next: optional(number),
  cursor: optional(text),
  missed: optional(count),
}

const fault = anObject({
  kind: text,
  message: text,
  sequence: count,
  until: optional(count),
  segment: count,
})

export const evidenceAnswer: Members = {
  checkpoint: optional(text),
  proof: optional(text),
  line: optional(text),
  verification: optional(
    anObject({
      job: count,
      done: boolean,
      records: count,
      total: count,
      checkpoints: count,
      ok: optional(boolean),
      fault: optional(fault),
    }),
  ),
  keys: optional(array(anObject({ key: text, from: count, current: boolean }))),
}
