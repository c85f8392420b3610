/** Pairs of ids, found from either side: users in groups, roles that imply roles. */
import { keyPart, prefixed } from '../../store/key-range.ts';
import { entriesOf, getEntry, isPresent, put, remove } from '../../store/operations.ts';
import type { Comparison, Operation, Store } from '../../store/store.ts';
import { ApiError } from '../api-error.ts';

export class Pairs {
  readonly #store: Store;
  readonly #prefix: string;

  constructor(store: Store, kind: string) {
    this.#store = store;
    this.#prefix = `identity/${kind}/`;
  }

  async has(one: string, other: string): Promise<boolean> {
    return (await getEntry(this.#store, this.#key('of', one, other))) !== undefined;
  }

  /** Throws 404 when `compare` does not hold. */
  async add(one: string, other: string, compare: readonly Comparison[]): Promise<void> {
    const mark = Buffer.from('{}');
    const { succeeded } = await this.#store.transact({
      compare,
      then: [put(this.#key('of', one, other), mark), put(this.#key('by', other, one), mark)],
    });
    if (!succeeded) throw new ApiError(404, 'Could not find what was to be put together.');
  }

  /** `also` is done in the same transaction. @returns whether they were together; if not, nothing is done. */
  async remove(one: string, other: string, also: readonly Operation[] = []): Promise<boolean> {
    const keys = [this.#key('of', one, other), this.#key('by', other, one)];
    const { succeeded } = await this.#store.transact({
      compare: keys.slice(0, 1).map(isPresent),
      then: [...keys.map(remove), ...also],
    });
    return succeeded;
  }

  /** What `one` has. */
  others(one: string): Promise<string[]> {
    return this.#list('of', one);
  }

  /** Who has `other`. */
  ones(other: string): Promise<string[]> {
    return this.#list('by', other);
  }

  async all(): Promise<[string, string][]> {
    const pairs: [string, string][] = [];
    for await (const { key } of entriesOf(this.#store, prefixed(`${this.#prefix}of/`))) {
      const [one = '', other = ''] = key
        .slice(this.#prefix.length + 3)
        .split('/')
        .map(decodeURIComponent);
      pairs.push([one, other]);
    }
    return pairs;
  }

  async #list(side: 'of' | 'by', id: string): Promise<string[]> {
    const prefix = `${this.#prefix}${side}/${keyPart(id)}/`;
    const found: string[] = [];
    for await (const { key } of entriesOf(this.#store, prefixed(prefix)))
      found.push(decodeURIComponent(key.slice(prefix.length)));
    return found;
  }

  #key(side: 'of' | 'by', one: string, other: string): string {
    return `${this.#prefix}${side}/${keyPart(one)}/${keyPart(other)}`;
  }
}
