/** From the target of a request to an operation on a path. */
import { Fields, parseBoolean } from './fields.ts'
import type { Operation } from './mount.ts'
import { type JsonObject, Refusal } from './refusal.ts'
import { parseBody } from './request-body.ts'
import type { SeenRequest } from './seen-request.ts'

export interface LogicalRequest {
  readonly operation: Operation
  /** After `/v1/`, decoded. */
  readonly path: string
  readonly fields: Fields
}

/** Where Go's mux sends a path that is not clean; undefined when it is. */
export function cleanTarget(target: string): string | undefined {
  const [path = '', ...query] = target.split('?')
  const segments: string[] = []
  const given = path.split('/').slice(1)
  for (const [at, segment] of given.entries()) {
    if (segment === '..') segments.pop()
    else if (segment !== '.' && (segment !== '' || at === given.length - 1)) segments.push(segment)
  }
  const clean = `/${segments.join('/')}`
  return clean === path ? undefined : [clean, ...query].join('?')
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u
const MERGE_PATCH = 'application/merge-patch+json'

/** @throws Refusal */
export function readRequest({ method, target, headers, body }: SeenRequest): LogicalRequest {
  const at = target.indexOf('?')
  const path = decodePath(at < 0 ? target : target.slice(0, at))
  const query = new URLSearchParams(at < 0 ? '' : target.slice(at + 1))
  const contentType = headers['content-type'] as string | undefined
  if (headers['content-encoding'] !== undefined) throw new Refusal(400, 'an encoded body')
  const operation = operationOf(method, query, contentType)
  if (operation === 'write' || operation === 'patch') {
    if (path.endsWith('/')) throw new Refusal(400, "cannot write to a path ending in '/'")
    return { operation, path, fields: new Fields(parseBody(body, contentType)) }
  }
  const listing = operation === 'list' || operation === 'scan'
  const parameters: JsonObject = Object.fromEntries(
    [...query].filter(([name]) => name !== 'list' && name !== 'scan'),
  )
  return {
    operation,
    path: listing && !path.endsWith('/') ? `${path}/` : path,
    fields: new Fields(parameters),
  }
}

function decodePath(raw: string): string {
  let path: string
  try {
    path = decodeURIComponent(raw)
  } catch {
    throw new Refusal(400, 'the path is not encoded well')
  }
  // Those that were encoded, which the mux does not see.
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw new Refusal(400, 'relative paths not supported')
  }
  if (UNPRINTABLE.test(path)) throw new Refusal(400, 'path contains unprintable characters')
  if (!path.startsWith('/v1/')) throw new Refusal(404)
  return path.slice('/v1/'.length)
}

function operationOf(
  method: string,
  query: URLSearchParams,
  contentType: string | undefined,
): Operation {
  switch (method) {
    case 'GET': {
      const [list, scan] = ['list', 'scan'].map((name) => {
        const text = query.get(name)
        const value = text === null || text === '' ? false : parseBoolean(text)
        if (value === undefined) throw new Refusal(400)
        return value
      })
      if (list && scan) throw new Refusal(400)
      return list ? 'list' : scan ? 'scan' : 'read'
    }
    case 'POST':
    case 'PUT':
      return 'write'
    case 'DELETE':
      return 'delete'
    case 'PATCH': {
      const type = contentType?.split(';')[0]?.trim()
      if (!type) throw new Refusal(400, 'mime: no media type')
      if (type !== MERGE_PATCH) {
        throw new Refusal(415, `PATCH requires Content-Type of ${MERGE_PATCH}`)
      }
      return 'patch'
    }
    default:
      throw new Refusal(405)
  }
}
