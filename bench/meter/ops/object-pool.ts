/** The objects that one process's operations work on: which are there, and which are being worked on. */
import type { RandomSequence } from '../../load/random-sequence.ts';
import type { MediaObject } from '../targets/target.ts';
import type { TraceEntry } from './ops-order.ts';

const DIGITS = 9;
/** Objects looked at for one that nobody is working on. */
const TAKE_ATTEMPTS = 8;
/** Families of contents: clips have the numbers below. */
const FAMILY_BASE = 3_000_000;

export class ObjectPool {
  readonly #worker: number;
  readonly #present: MediaObject[] = [];
  readonly #named = new Map<string, MediaObject>();
  readonly #written = new Map<string, MediaObject>();
  /** Names of what no answer has said to be written: the server may do it yet. */
  readonly #unanswered = new Set<string>();
  readonly #users = new Map<MediaObject, number>();
  #next = 0;

  constructor(worker: number) {
    this.#worker = worker;
  }

  /** What may be in the store: also where writing it, or removing it, has failed. */
  get all(): readonly MediaObject[] {
    return [...this.#written.values()];
  }

  /** What may be there again behind its removal: all of it is removed each time. */
  get unanswered(): readonly MediaObject[] {
    return this.all.filter(({ name }) => this.#unanswered.has(name));
  }

  /** It is about to be written. */
  writing(object: MediaObject): void {
    this.#written.set(object.name, object);
    this.#unanswered.add(object.name);
  }

  /** The server has said that it is written. */
  answered(object: MediaObject): void {
    this.#unanswered.delete(object.name);
  }

  /** It has been removed. */
  removed(object: MediaObject): void {
    if (!this.#unanswered.has(object.name)) this.#written.delete(object.name);
  }

  create(sizeBytes: number): MediaObject {
    const index = this.#next++;
    const name = `ops/w${this.#worker}-${String(index).padStart(DIGITS, '0')}`;
    return { name, key: { family: FAMILY_BASE + this.#worker, index }, sizeBytes };
  }

  confirm(object: MediaObject): void {
    this.#present.push(object);
  }

  pick(random: RandomSequence): MediaObject | undefined {
    return this.#present[random.below(this.#present.length)];
  }

  /** Notes that an operation on it begins (1) or has ended (-1). */
  use(object: MediaObject, change: 1 | -1): void {
    const users = (this.#users.get(object) ?? 0) + change;
    if (users === 0) this.#users.delete(object);
    else this.#users.set(object, users);
  }

  /** One at random that nobody is working on, which then no longer counts as there: to be deleted. */
  take(random: RandomSequence): MediaObject | undefined {
    for (let attempt = 0; attempt < TAKE_ATTEMPTS; attempt++) {
      const at = random.below(this.#present.length);
      const taken = this.#present[at];
      if (taken === undefined || this.#users.has(taken)) continue;
      const last = this.#present.pop() as MediaObject;
      if (taken !== last) this.#present[at] = last;
      return taken;
    }
    return undefined;
  }

  /** What a trace calls by this name, with the size that it has there now. */
  named(entry: TraceEntry): MediaObject {
    const known = this.#named.get(entry.name);
    if (known !== undefined && (entry.operation !== 'put' || known.sizeBytes === entry.sizeBytes))
      return known;
    const fresh = this.create(entry.sizeBytes);
    // An object that is written again with another size keeps its name, and with it its content's key.
    const object = known === undefined ? fresh : { ...known, sizeBytes: entry.sizeBytes };
    this.#named.set(entry.name, object);
    return object;
  }
}
