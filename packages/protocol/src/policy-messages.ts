/** Requests about policies (DESIGN §7): what they are, what follows from them, and changing them. */
import * as z from 'zod'
import { login, placeText, revision, text } from './fields.ts'
import { LIMITS } from './limits.ts'

/** Not `id`, which would be the correlation id. */
const policy = text(64)
const action = text(32)
const principal = text(300)

/** A policy document, or a request of AuthZEN, as it was parsed: passed on as it is, for the policy engine reads it strictly. */
const document = z.custom<Readonly<Record<string, unknown>>>(
  (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
)

/** What is known of a request beside who, what and which; what is absent is unknown, except the time, which is now. */
const context = z.object({
  ip: text(64).optional(),
  mfa: z.boolean().optional(),
  door: text(32).optional(),
  proof: z.enum(['credential', 'kernel', 'asserted']).optional(),
  purpose: text(64).optional(),
  /** What the entry is for, in place of what it says itself. */
  usage: z.object({ type: text(16), id: text(LIMITS.metadataValueChars).optional() }).optional(),
  time_ms: z.int().min(0).optional(),
})

/** Whose rights: a user as he is now, or these principals alone. Neither: one's own. */
const whose = {
  user: login.optional(),
  principals: z.array(principal).max(LIMITS.namesPerAccount).optional(),
}

/** One decision to be tried. */
const trial = z.object({
  ...whose,
  action,
  resource: placeText,
  context: context.optional(),
  /** What it should be; told apart in the answer when it is not. */
  expect: z.enum(['allow', 'deny']).optional(),
})

export const policyRequest = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('list'),
    /** Those that only give users their own subtrees as well. */
    homes: z.boolean().optional(),
    limit: z.int().min(1).max(LIMITS.listKeys).optional(),
    /** Continue behind this one. */
    after: policy.optional(),
  }),
  z.object({ op: z.literal('get'), policy }),
  /** Put a document in place of the one with its id, or add it. */
  z.object({
    op: z.literal('set'),
    document,
    /** Revision of the one that it replaces; 0: there is none. */
    if_revision: revision.optional(),
  }),
  z.object({ op: z.literal('delete'), policy, if_revision: revision.optional() }),
  /** Decisions by the policies in force, or as if these documents had been set. */
  z.object({
    op: z.literal('test'),
    documents: z.array(document).max(LIMITS.trialDocuments).optional(),
    requests: z.array(trial).min(1).max(LIMITS.trials),
  }),
  z.object({
    op: z.literal('explain'),
    ...whose,
    action,
    resource: placeText,
    context: context.optional(),
  }),
  z.object({
    op: z.literal('who-can'),
    action,
    resource: placeText,
    context: context.optional(),
  }),
  z.object({ op: z.literal('what-can'), ...whose, context: context.optional() }),
  /** What a service asks that lets others do things: the body of a request of AuthZEN (Authorization API 1.0, sections 6 to 8). */
  z.object({
    op: z.literal('evaluate'),
    form: z.enum(['evaluation', 'evaluations', 'action-search']),
    request: document,
  }),
  /** All policies, or as if this document had been set. */
  z.object({ op: z.literal('lint'), document: document.optional() }),
  /** What would be decided otherwise if the document were set, or the policy deleted. */
  z.object({ op: z.literal('diff'), document: document.optional(), policy: policy.optional() }),
])
