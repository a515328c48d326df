/** The versions of an entry, page by page. */
import type { RegistryConnection } from '@secreg/client'
import { type HistoryResponse, LIMITS } from '@secreg/protocol'

/**
 * Read versions, newest first.
 *
 * @param limit - most versions to read
 * @param enough - stop after a page when this says so
 * @returns one answer with the versions of all pages; `next` when there are older ones
 */
export async function readHistory(
  registry: RegistryConnection,
  key: string,
  limit: number = Number.POSITIVE_INFINITY,
  enough: (history: HistoryResponse) => boolean = () => false,
): Promise<HistoryResponse> {
  let before: number | undefined
  let first: HistoryResponse | undefined
  const versions: HistoryResponse['versions'][number][] = []
  for (;;) {
    const page = await registry.history({
      key,
      limit: Math.min(LIMITS.historyVersions, limit - versions.length),
      ...(before === undefined ? {} : { before }),
    })
    first ??= page
    for (const version of page.versions) versions.push(version)
    const { next: _, ...head } = first
    const history = { ...head, versions }
    // Numbers only fall: a page that does not go on is the last.
    if (page.next === undefined || (before !== undefined && page.next >= before)) return history
    before = page.next
    if (versions.length >= limit || enough(history)) return { ...history, next: before }
  }
}
