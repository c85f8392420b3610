/** What one process's stream holds in the control store: its entry, and the lease on which it is alive. */
import { hasCode } from '#common/errors.ts';
import type { ProcessState } from '../protocol/membership.ts';
import { put } from '../store/operations.ts';
import type { LeaseId } from '../store/store.ts';
import { aliveKey, encodeProcess, type ProcessBook, processKey } from './process-book.ts';

/** Three states may be lost before a process is down. */
const LEASE_SECONDS = 6;
/** An entry is put again at least this often, so that others see about when the process was heard of. */
const PUT_EVERY_MS = 60_000;

export class Registration {
  readonly #book: ProcessBook;
  #lease: LeaseId | undefined;
  #put = '';
  #putMs = Number.NEGATIVE_INFINITY;

  constructor(book: ProcessBook) {
    this.#book = book;
  }

  /** One at a time. Throws what the store throws, and `overloaded` when there are too many processes. */
  async hear(state: ProcessState): Promise<void> {
    const { store, clock } = this.#book;
    const isKept = await this.#keep();
    const text = JSON.stringify(state);
    const nowMs = clock.nowMs();
    this.#book.heard(state.name);
    if (isKept && text === this.#put && nowMs - this.#putMs < PUT_EVERY_MS) return;
    if (this.#put === '') await this.#book.checkRoom(state.name);
    const lease = (this.#lease ??= (await store.grantLease(LEASE_SECONDS)).id);
    await store.transact({
      then: [
        put(processKey(state.name), encodeProcess(state, nowMs)),
        put(aliveKey(state.name), Buffer.alloc(0), lease),
      ],
    });
    this.#put = text;
    this.#putMs = nowMs;
  }

  /** The process is down at once. */
  async leave(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease !== undefined) await this.#book.store.revokeLease(lease);
  }

  async #keep(): Promise<boolean> {
    if (this.#lease === undefined) return false;
    try {
      await this.#book.store.keepAlive(this.#lease);
      return true;
    } catch (error) {
      if (!hasCode(error, 'lease-unknown')) throw error;
      this.#lease = undefined;
      return false;
    }
  }
}
