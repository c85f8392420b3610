/** Records of one kind in the control store, each a JSON value under its id, with names that are taken once. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '#common/errors.ts';
import { keyPart, prefixed } from '../../store/key-range.ts';
import {
  entriesOf,
  getEntry,
  isAbsent,
  isPresent,
  isUnchanged,
  put,
  remove,
} from '../../store/operations.ts';
import type { Comparison, Entry, Operation, Store } from '../../store/store.ts';
import { conflict, notFound } from '../api-error.ts';

const ATTEMPTS_MAX = 32;
const NAME_CHARACTERS_MAX = 600;

export interface CollectionOptions<Value> {
  readonly store: Store;
  /** In words and as a part of keys, such as `project`. */
  readonly kind: string;
  /** What makes a name unique, such as the domain; undefined: this record's name is not taken by it. */
  readonly claim?: (value: Value) => { readonly within: string; readonly name: string } | undefined;
  /** Whose it is, for `listOf`; never changes. */
  readonly owner?: (value: Value) => string;
}

export interface Extra {
  readonly compare?: readonly Comparison[];
  readonly then?: readonly Operation[];
}

export interface Found<Value> {
  readonly value: Value;
  readonly entry: Entry;
}

export class Collection<Value extends { readonly id: string }> {
  readonly kind: string;
  readonly #options: CollectionOptions<Value>;

  constructor(options: CollectionOptions<Value>) {
    this.kind = options.kind;
    this.#options = options;
  }

  key(id: string): string {
    return `identity/${this.#part}/${keyPart(id)}`;
  }

  async find(id: string): Promise<Found<Value> | undefined> {
    if (!isId(id)) return undefined;
    const entry = await getEntry(this.#options.store, this.key(id));
    return entry === undefined ? undefined : { value: decode<Value>(entry.value, entry.key), entry };
  }

  /** Throws 404. */
  async get(id: string): Promise<Value> {
    return (await this.#found(id)).value;
  }

  async findByName(within: string, name: string): Promise<Value | undefined> {
    // Half of a character is in no key.
    if (!name.isWellFormed() || !within.isWellFormed()) return undefined;
    const claim = await getEntry(this.#options.store, this.#claimKey({ within, name }));
    return claim === undefined ? undefined : (await this.find(claim.value.toString()))?.value;
  }

  async list(): Promise<Value[]> {
    const values: Value[] = [];
    for await (const { key, value } of entriesOf(this.#options.store, prefixed(`identity/${this.#part}/`)))
      values.push(decode<Value>(value, key));
    return values;
  }

  async listOf(owner: string): Promise<Value[]> {
    const prefix = this.#ownedKey(owner, '');
    const found: Promise<Found<Value> | undefined>[] = [];
    for await (const { key } of entriesOf(this.#options.store, prefixed(prefix)))
      found.push(this.find(decodeURIComponent(key.slice(prefix.length))));
    return (await Promise.all(found)).flatMap((each) => (each === undefined ? [] : [each.value]));
  }

  /** Throws 409 when its id or its name is taken, or when `extra` does not hold. */
  async insert(value: Value, extra: Extra = {}): Promise<void> {
    const claim = this.#claimOf(value);
    const { succeeded } = await this.#options.store.transact({
      compare: [
        isAbsent(this.key(value.id)),
        ...(claim === undefined ? [] : [isAbsent(claim)]),
        ...(extra.compare ?? []),
      ],
      then: [
        put(this.key(value.id), encode(value)),
        ...(claim === undefined ? [] : [put(claim, Buffer.from(value.id))]),
        ...this.#owned(value).map((key) => put(key, Buffer.from('{}'))),
        ...(extra.then ?? []),
      ],
    });
    if (!succeeded) throw this.#taken();
  }

  /**
   * Replaces the record by what `change` makes of it; again when somebody else changed it meanwhile. `extra` is done in the
   * same transaction. Throws 404, and 409 when the new name is taken.
   */
  async update(
    id: string,
    change: (value: Value) => Value,
    extra: (before: Value, after: Value) => Extra = () => ({}),
  ): Promise<Value> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { value: before, entry } = await this.#found(id);
      const after = change(before);
      const [old, next] = [this.#claimOf(before), this.#claimOf(after)];
      const moves = old !== next;
      const more = extra(before, after);
      const { succeeded } = await this.#options.store.transact({
        compare: [
          isUnchanged(entry),
          ...(moves && next !== undefined ? [isAbsent(next)] : []),
          ...(more.compare ?? []),
        ],
        then: [
          put(entry.key, encode(after)),
          ...(moves && old !== undefined ? [remove(old)] : []),
          ...(moves && next !== undefined ? [put(next, Buffer.from(id))] : []),
          ...(more.then ?? []),
        ],
      });
      if (succeeded) return after;
      if (moves && next !== undefined && (await getEntry(this.#options.store, next)) !== undefined)
        throw this.#taken();
    }
    throw new HoldfastError('overloaded', `${this.kind} ${id} is changed by too many at once`);
  }

  /** Throws 404. */
  async remove(id: string, extra: (value: Value) => Extra = () => ({})): Promise<Value> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { value, entry } = await this.#found(id);
      const claim = this.#claimOf(value);
      const more = extra(value);
      const { succeeded } = await this.#options.store.transact({
        compare: [isUnchanged(entry), ...(more.compare ?? [])],
        then: [
          remove(entry.key),
          ...(claim === undefined ? [] : [remove(claim)]),
          ...this.#owned(value).map(remove),
          ...(more.then ?? []),
        ],
      });
      if (succeeded) return value;
    }
    throw new HoldfastError('overloaded', `${this.kind} ${id} is changed by too many at once`);
  }

  /** Holds while there is such a record: what refers to it goes into the same transaction. */
  exists(id: string): Comparison {
    return isPresent(this.key(id));
  }

  #owned(value: Value): string[] {
    const owner = this.#options.owner?.(value);
    return owner === undefined ? [] : [this.#ownedKey(owner, value.id)];
  }

  #ownedKey(owner: string, id: string): string {
    return `identity/of/${this.#part}/${keyPart(owner)}/${keyPart(id)}`;
  }

  get #part(): string {
    return this.kind.replaceAll(' ', '-');
  }

  async #found(id: string): Promise<Found<Value>> {
    const found = await this.find(id);
    if (found === undefined) throw notFound(this.kind, id);
    return found;
  }

  #claimOf(value: Value): string | undefined {
    const claim = this.#options.claim?.(value);
    return claim === undefined ? undefined : this.#claimKey(claim);
  }

  #claimKey({ within, name }: { within: string; name: string }): string {
    return `identity/name/${this.#part}/${keyPart(within)}/${boundedPart(name)}`;
  }

  #taken() {
    return conflict(
      `Conflict occurred attempting to store ${this.kind} - its name or id is taken, or what it belongs to is gone.`,
    );
  }
}

/** Ids are made here or chosen by an operator (regions, domains): what is none can't be found. */
function isId(id: string): boolean {
  return id.length > 0 && id.length <= 255 && id.isWellFormed();
}

/** A name whose encoding is too long for a key is taken by its digest; `=` is in no encoded name. */
function boundedPart(name: string): string {
  const part = keyPart(name);
  return part.length <= NAME_CHARACTERS_MAX ? part : `=${createHash('sha256').update(name).digest('hex')}`;
}

export function encode(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function decode<Value>(value: Buffer, key: string): Value {
  try {
    return JSON.parse(value.toString()) as Value;
  } catch (cause) {
    throw new HoldfastError('data-corrupt', `the record ${key} is not JSON`, { cause });
  }
}
