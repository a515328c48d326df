/** Begin a watch: one operation with one record; what it tells later is decided event by event. */
import type { Caller, RequestOf } from '@secreg/protocol'
import { accessDenied } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry } from '../entry.ts'
import { entryKey } from '../keys.ts'
import { type Facts, recorded, whenReady } from '../recorded.ts'
import type { WatchHub } from './hub.ts'
import { parseScope } from './scope.ts'
import type { OpenedWatch, WatchSink } from './sink.ts'
import type { Watch } from './watch.ts'

/**
 * Watch an entry, or what is below a prefix.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_SEALED`,
 *   `ERR_REVISION_COMPACTED`, `ERR_BUSY`, `ERR_AUDIT_FAILED`
 */
export async function watch(
  core: Core,
  hub: WatchHub,
  caller: Caller,
  request: RequestOf<'watch'>,
  sink: WatchSink,
): Promise<OpenedWatch> {
  const facts: Facts = { action: 'watch' }
  let opened: Watch | undefined
  try {
    return await recorded(core.journal, caller, facts, () => {
      const scope = parseScope(request)
      const { path } = scope
      facts.paths = [path === '' ? '/' : path]
      const { authorizer } = core
      const asked = scope.kind === 'entry' && authorizer.asksEntry
      return whenReady(asked ? core.engine.get(entryKey(path)) : undefined, (row) => {
        const entry = row === undefined ? undefined : decodeEntry(row)
        if (scope.kind === 'entry') authorizer.require(caller, 'watch', path, entry)
        else if (authorizer.filter(caller, 'watch', path) === 'none') throw accessDenied()
        core.keys.requireReadable()
        const { since_revision: since, generation, progress = false } = request
        const made = hub.open({ scope, since, generation, progress }, sink)
        opened = made
        return {
          revision: made.position,
          generation: hub.generation,
          start: () => hub.start(made),
          close: () => made.close(),
        }
      })
    })
  } catch (error) {
    opened?.close()
    throw error
  }
}
