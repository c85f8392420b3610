/** All that the feed tells, as it stands, and who is to hear of changes. */
import { type FeedItem, feedItemKey } from '../../protocol/identity-feed.ts';

export class FeedState {
  readonly #items = new Map<string, { readonly item: FeedItem; readonly text: string }>();
  readonly #listeners = new Set<(key: string) => void>();

  keys(): Iterable<string> {
    return this.#items.keys();
  }

  find(key: string): FeedItem | undefined {
    return this.#items.get(key)?.item;
  }

  put(item: FeedItem): void {
    const key = feedItemKey(item);
    const text = JSON.stringify(item);
    if (this.#items.get(key)?.text === text) return;
    this.#items.set(key, { item, text });
    this.#tell(key);
  }

  remove(key: string): void {
    if (this.#items.delete(key)) this.#tell(key);
  }

  /** Removes what is of a kind and not among `kept`. */
  keepOnly(kind: FeedItem['kind'], kept: ReadonlySet<string>): void {
    for (const key of [...this.#items.keys()])
      if (key.startsWith(`${kind}/`) && !kept.has(key)) this.remove(key);
  }

  /** @param listener called with the key of each item that changes. @returns what ends it. */
  listen(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }
}
