/** Which processes there are and how they do, as the control store keeps it: docs/formats/membership.md. */
import { HoldfastError } from '#common/errors.ts';
import type { Clock } from '#common/io/clock.ts';
import { type ProcessState, readState } from '../protocol/membership.ts';
import { keyPart, prefixed } from '../store/key-range.ts';
import { entriesOf, getEntry, isAbsent, remove } from '../store/operations.ts';
import type { Entry, Store } from '../store/store.ts';

/** The availability zone that Nova and Cinder give to what serves the cloud itself. */
const ZONE = 'internal';
export const PROCESSES_MAX = 4096;

const PROCESSES = 'service/process/';
const ALIVE = 'service/alive/';

export interface ListedProcess extends ProcessState {
  readonly zone: string;
  /** Whether it is heard of, and serves. */
  readonly isUp: boolean;
  /** When it was heard of last, in milliseconds since 1970; up to a minute later when this control process did not hear it itself. */
  readonly heardMs: number;
}

interface ProcessRecord extends ProcessState {
  readonly zone: string;
  readonly heardMs: number;
}

export function processKey(name: string): string {
  return PROCESSES + keyPart(name);
}

export function aliveKey(name: string): string {
  return ALIVE + keyPart(name);
}

export function encodeProcess(state: ProcessState, heardMs: number): Buffer {
  const record: ProcessRecord = { ...state, zone: ZONE, heardMs };
  return Buffer.from(JSON.stringify(record));
}

export class ProcessBook {
  readonly store: Store;
  readonly clock: Clock;
  /** By name, what this control process heard itself. */
  readonly #heardMs = new Map<string, number>();

  constructor(store: Store, clock: Clock) {
    this.store = store;
    this.clock = clock;
  }

  heard(name: string): void {
    this.#heardMs.set(name, this.clock.nowMs());
  }

  /** Throws `overloaded` when there is no room for one more. */
  async checkRoom(name: string): Promise<void> {
    if ((await getEntry(this.store, processKey(name))) !== undefined) return;
    const { entries } = await this.store.range(prefixed(PROCESSES), { limit: PROCESSES_MAX });
    if (entries.length >= PROCESSES_MAX)
      throw new HoldfastError('overloaded', `there are ${PROCESSES_MAX} processes already`);
  }

  async isAnyAlive(): Promise<boolean> {
    return (await this.store.range(prefixed(ALIVE), { limit: 1 })).entries.length > 0;
  }

  /** By name. */
  async list(): Promise<readonly ListedProcess[]> {
    const alive = new Set<string>();
    for await (const { key } of entriesOf(this.store, prefixed(ALIVE))) alive.add(key.slice(ALIVE.length));
    const listed: ListedProcess[] = [];
    for await (const entry of entriesOf(this.store, prefixed(PROCESSES)))
      listed.push(this.#listed(entry, alive.has(entry.key.slice(PROCESSES.length))));
    return listed;
  }

  /** Forgets a process that is down. Throws `resource-missing`, and `condition-failed` while it is heard of. */
  async remove(name: string): Promise<void> {
    const { succeeded, results } = await this.store.transact({
      compare: [isAbsent(aliveKey(name))],
      then: [remove(processKey(name))],
    });
    if (!succeeded) throw new HoldfastError('condition-failed', `${name} is alive`);
    this.#heardMs.delete(name);
    const [result] = results;
    if (result?.kind !== 'delete' || result.deleted === 0)
      throw new HoldfastError('resource-missing', `there is no process ${name}`);
  }

  #listed({ key, value }: Entry, isAlive: boolean): ListedProcess {
    const { zone, heardMs, ...state } = decodeProcess(key, value);
    return {
      ...state,
      zone,
      isUp: isAlive && state.isServing,
      heardMs: Math.max(heardMs, this.#heardMs.get(state.name) ?? 0),
    };
  }
}

/** Throws `format-invalid`. */
function decodeProcess(key: string, value: Buffer): ProcessRecord {
  try {
    const fields = Object(JSON.parse(value.toString())) as Record<string, unknown>;
    const { zone, heardMs } = fields;
    return { ...readState(fields), zone: String(zone), heardMs: Number(heardMs) };
  } catch (cause) {
    throw new HoldfastError('format-invalid', `${key} holds no process`, { cause });
  }
}
