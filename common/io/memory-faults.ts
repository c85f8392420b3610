/** What a disk in memory is told to fail. */

export type FaultCall =
  | 'open'
  | 'read'
  | 'readNow'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'size'
  | 'rename'
  | 'unlink'
  | 'makeDirectory'
  | 'list'
  | 'exists'
  | 'syncDirectory'
  | 'space';

/** These take a turn of the event loop, so that other work comes in between; the rest answer within the turn. */
const SLOW_CALLS: ReadonlySet<FaultCall> = new Set(['read', 'sync', 'syncDirectory', 'rename', 'truncate']);

export interface Fault {
  /** Any call when left out. */
  readonly call?: FaultCall;
  /** Only of files whose path holds this. */
  readonly path?: string;
  /** Which of the matching calls to come fails: 1 is the next. */
  readonly nth: number;
  /** `short` makes a read return half of what it was asked for; a failed write leaves its first half. */
  readonly how: 'ENOSPC' | 'EIO' | 'EROFS' | 'short';
}

interface Waiting {
  readonly fault: Fault;
  left: number;
}

export class FaultPlan {
  calls = 0;
  haltAt = Number.POSITIVE_INFINITY;
  #waiting: Waiting[] = [];

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.nth });
  }

  get halted(): boolean {
    return this.calls >= this.haltAt;
  }

  /** Counts a call; resolves later, to the part of the asked length that a read gets; or throws. */
  async call(call: FaultCall, path: string): Promise<number> {
    const part = this.callNow(call, path);
    if (SLOW_CALLS.has(call)) await this.turn();
    return part;
  }

  callNow(call: FaultCall, path: string): number {
    const how = this.#due(call, path);
    if (how === 'short') return 0.5;
    if (how) throw fileError(how, path);
    return 1;
  }

  /** Counts a call; the error that it fails with, or undefined. */
  take(call: FaultCall, path: string): Error | undefined {
    const how = this.#due(call, path);
    return how && how !== 'short' ? fileError(how, path) : undefined;
  }

  /** What a caller waits for; a machine that stopped meanwhile never answers with success. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.halted) throw fileError('EIO', 'the machine has stopped');
  }

  #due(call: FaultCall, path: string): Fault['how'] | undefined {
    this.calls += 1;
    if (this.halted) return 'EIO';
    for (const waiting of this.#waiting) {
      const { fault } = waiting;
      if (fault.call !== undefined && fault.call !== call) continue;
      if (fault.path !== undefined && !path.includes(fault.path)) continue;
      waiting.left -= 1;
      if (waiting.left > 0) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      return fault.how;
    }
    return undefined;
  }
}

export function fileError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
