import { compile } from '@secreg/policy-engine'
import {
  answerEvaluation,
  createAuthzenClient,
  createPolicyPdp,
} from '@secreg/policy-engine/authzen'

const rule = {
  id: 'run',
  effect: 'allow',
  principals: ['group:ops'],
  actions: ['read', 'decrypt'],
  resources: ['/kv/secret/**'],
  obligations: { ttlSeconds: 300 },
}
const policy = compile([{ id: 'ops', rules: [rule] }])

// The side that decides: from a content type and a body to a response.
const pdp = createPolicyPdp({
  policy: () => policy,
  now: Date.now,
  principalsOf: ({ type, id }) => (type === 'user' && id === 'alice' ? ['group:ops'] : undefined),
})
const serve = (contentType: string | undefined, text: string, requestId: string | undefined) =>
  answerEvaluation(pdp, { contentType, text, requestId })

// The side that enforces: here its `fetch` is no network but the side above.
const client = createAuthzenClient({
  baseUrl: 'https://pdp.example.com',
  fetch: async (_url, init) => {
    const headers = new Headers(init?.headers)
    const id = headers.get('x-request-id') ?? undefined
    const response = serve(headers.get('content-type') ?? undefined, String(init?.body), id)
    return new Response(response.text, response)
  },
})
const answer = await client.evaluate({
  subject: { type: 'user', id: 'alice' },
  action: { name: 'execute' },
  resource: { type: 'secret', id: '/kv/secret/app' },
  context: { supported_obligations: ['custom'] },
})
export const decided: string =
  answer.decision === 'allow' ? `${answer.obligations.ttlSeconds} s` : answer.reason
console.log(decided)
// 300 s
