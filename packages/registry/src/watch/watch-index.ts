/** Live watches by what they are about, so that an event looks only at its own path and those above it. */
import type { ChangeEvent } from '@secreg/protocol'
import type { WatchScope } from './scope.ts'

interface Scoped {
  readonly scope: WatchScope
}

/** Watches of one scope. */
type Bucket<W> = Set<W>

export class WatchIndex<W extends Scoped> {
  readonly #buckets: Readonly<Record<WatchScope['kind'], Map<string, Bucket<W>>>> = {
    entry: new Map(),
    children: new Map(),
    subtree: new Map(),
  }

  add(watch: W): void {
    const { kind, path } = watch.scope
    const bucket = this.#buckets[kind].get(path)
    if (bucket === undefined) this.#buckets[kind].set(path, new Set([watch]))
    else bucket.add(watch)
  }

  delete(watch: W): void {
    const { kind, path } = watch.scope
    const bucket = this.#buckets[kind].get(path)
    bucket?.delete(watch)
    if (bucket?.size === 0) this.#buckets[kind].delete(path)
  }

  /**
   * The watches that events are about, by what they are about.
   *
   * @returns sets that change when watches are added and deleted, each with its events in order
   */
  match(events: readonly ChangeEvent[]): Map<ReadonlySet<W>, readonly ChangeEvent[]> {
    const { entry, children, subtree } = this.#buckets
    const found = new Map<ReadonlySet<W>, ChangeEvent[]>()
    const take = (bucket: Bucket<W> | undefined, event: ChangeEvent): void => {
      if (bucket === undefined) return
      const own = found.get(bucket)
      if (own === undefined) found.set(bucket, [event])
      else own.push(event)
    }
    for (const event of events) {
      const { key } = event
      take(entry.get(key), event)
      let at = key.lastIndexOf('/')
      take(children.get(key.slice(0, at)), event)
      if (subtree.size === 0) continue
      for (; at > 0; at = key.lastIndexOf('/', at - 1)) take(subtree.get(key.slice(0, at)), event)
      take(subtree.get(''), event)
    }
    return found
  }
}
