/**
 * What devices have missed, as far as this process has noticed: a bounded list a device, in memory. It is a hint and no more: what is
 * forgotten (a restart, a full list) is noticed again by a read.
 */
import { type Ballot, compareBallots } from '#common/ballot.ts';
import type { RecordKey } from '#common/codec/record-key.ts';
import type { BlobId, DeviceId } from '#common/ids.ts';

const HINTS_OF_DEVICE_MAX = 10_000;

export interface RecordHint {
  readonly type: 'record';
  readonly key: RecordKey;
  /** What the device should have, or something above it. */
  readonly ballot: Ballot;
  /** The device has it, and cannot read it. */
  readonly isDamaged: boolean;
}

export interface BlobHint {
  readonly type: 'blob';
  readonly id: BlobId;
}

export type Hint = RecordHint | BlobHint;

/** Told by whoever notices that a device is behind. */
export interface NoticedMisses {
  record(device: DeviceId, hint: Omit<RecordHint, 'type'>): void;
  blob(device: DeviceId, id: BlobId): void;
}

export class Hints implements NoticedMisses {
  /** Of hints that found no room. */
  dropped = 0;
  readonly #byDevice = new Map<DeviceId, Map<string, Hint>>();
  readonly #added: (device: DeviceId) => void;
  readonly #max: number;

  /** @param added called for a device that had none. */
  constructor(added: (device: DeviceId) => void, max: number = HINTS_OF_DEVICE_MAX) {
    this.#added = added;
    this.#max = max;
  }

  get count(): number {
    let count = 0;
    for (const hints of this.#byDevice.values()) count += hints.size;
    return count;
  }

  record(device: DeviceId, { key, ballot, isDamaged }: Omit<RecordHint, 'type'>): void {
    const name = key.toString('latin1');
    const known = this.#byDevice.get(device)?.get(name);
    const isNew = known?.type !== 'record';
    if (!isNew && compareBallots(known.ballot, ballot) >= 0 && (known.isDamaged || !isDamaged)) return;
    const stillDamaged = isDamaged || (!isNew && known.isDamaged);
    this.#add(device, name, { type: 'record', key, ballot, isDamaged: stillDamaged });
  }

  blob(device: DeviceId, id: BlobId): void {
    this.#add(device, `blob ${id}`, { type: 'blob', id });
  }

  /** The oldest of a device's hints. */
  oldest(device: DeviceId, count: number): Hint[] {
    return [...(this.#byDevice.get(device)?.values() ?? [])].slice(0, count);
  }

  /** It has been dealt with, unless another has come in its place. */
  remove(device: DeviceId, hint: Hint): void {
    const hints = this.#byDevice.get(device);
    const name = nameOf(hint);
    if (hints?.get(name) !== hint) return;
    hints.delete(name);
    if (hints.size === 0) this.#byDevice.delete(device);
  }

  #add(device: DeviceId, name: string, hint: Hint): void {
    let hints = this.#byDevice.get(device);
    if (hints === undefined) {
      hints = new Map();
      this.#byDevice.set(device, hints);
      this.#added(device);
    }
    if (hints.size >= this.#max && !hints.has(name)) this.dropped += 1;
    else hints.set(name, hint);
  }
}

function nameOf(hint: Hint): string {
  return hint.type === 'record' ? hint.key.toString('latin1') : `blob ${hint.id}`;
}
