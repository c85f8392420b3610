/** A line for every frame (EBU's time stamps): when it was due, when it was there, and what that makes it. */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { FrameRecord } from './tally.ts';

const BUFFER_CHARACTERS = 256 * 1024;

export class FrameFile {
  readonly #file: number;
  #pending = 'stream,frame,due_ms,done_ms,latency_ms,late,dropped\n';

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  add({ stream, frame, dueMs, doneMs, latencyMs, late, dropped }: FrameRecord): void {
    const times = `${dueMs.toFixed(3)},${doneMs.toFixed(3)},${latencyMs.toFixed(3)}`;
    this.#pending += `${stream},${frame},${times},${late ? 1 : 0},${dropped ? 1 : 0}\n`;
    if (this.#pending.length > BUFFER_CHARACTERS) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeSync(this.#file, this.#pending);
    this.#pending = '';
  }
}
