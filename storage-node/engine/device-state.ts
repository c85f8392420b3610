/** Whether a device still serves: an I/O error takes it out for good, too little free space closes it to writes. */
import type { Clock } from '#common/io/clock.ts';
import { HoldfastError } from '#common/errors.ts';
import type { Files, Space } from '#common/io/files.ts';
import type { DeviceHealth } from './device-engine.ts';
import type { ReportEvent } from './device-events.ts';

/** Free space is looked up no more often than this. */
const SPACE_AGE_MS_MAX = 1000;

export interface DeviceStateOptions {
  readonly path: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly reserveBytes: number;
  readonly report: ReportEvent;
}

export class DeviceState {
  readonly #options: DeviceStateOptions;
  #failure: HoldfastError | undefined;
  #space: Space;
  #lookedUpMs: number;
  #lookup: Promise<void> | undefined;
  #full = false;

  static async open(options: DeviceStateOptions): Promise<DeviceState> {
    return new DeviceState(options, await options.files.space(options.path));
  }

  constructor(options: DeviceStateOptions, space: Space) {
    this.#options = options;
    this.#space = space;
    this.#lookedUpMs = options.clock.monotonicMs();
    this.#judge();
  }

  get health(): DeviceHealth {
    if (this.#failure) return 'failed';
    return this.#full ? 'full' : 'ok';
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes the device out; the first cause stands. Returns the error that callers get. */
  fail(cause: unknown): HoldfastError {
    if (!this.#failure) {
      this.#failure = new HoldfastError('device-failed', undefined, { cause });
      this.#options.report({ type: 'device-failed', cause });
    }
    return this.#failure;
  }

  /** Throws `device-failed`. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Throws `device-failed`, or `device-full` when free space has fallen to the reserve. */
  checkRoom(): void {
    this.check();
    if (this.#options.clock.monotonicMs() - this.#lookedUpMs >= SPACE_AGE_MS_MAX) this.#refresh();
    if (this.#full) throw new HoldfastError('device-full');
  }

  /** The system had no room for a write: the device is full until a lookup says otherwise. */
  outOfSpace(cause: unknown): HoldfastError {
    this.#setFull(true);
    this.#lookedUpMs = this.#options.clock.monotonicMs();
    return new HoldfastError('device-full', undefined, { cause });
  }

  /** Turns what a write to the disk threw into what the caller gets: full, or out of service. */
  writeFailed(error: unknown): HoldfastError {
    if (error instanceof HoldfastError) return error;
    return isOutOfSpace(error) && !this.#failure ? this.outOfSpace(error) : this.fail(error);
  }

  async space(): Promise<Space> {
    this.#refresh();
    await this.#lookup;
    return this.#space;
  }

  #refresh(): void {
    this.#lookup ??= this.#look().finally(() => {
      this.#lookup = undefined;
    });
  }

  async #look(): Promise<void> {
    try {
      this.#space = await this.#options.files.space(this.#options.path);
      this.#lookedUpMs = this.#options.clock.monotonicMs();
      this.#judge();
    } catch (error) {
      this.fail(error);
    }
  }

  #judge(): void {
    this.#setFull(this.#space.freeBytes < this.#options.reserveBytes);
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#options.report({ type: full ? 'full' : 'no-longer-full', freeBytes: this.#space.freeBytes });
  }
}

export function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
