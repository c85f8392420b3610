/** The worker threads of a run, seen from the main thread: told what to do together, heard together. */
import { Worker } from 'node:worker_threads';
import type { LiveFigures } from './measurement.ts';
import type { PhaseOrder, PhaseResult } from './phase.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts';

/** Beside this file, as source or compiled. */
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

interface Member {
  readonly worker: Worker;
  figures: LiveFigures | undefined;
  finish: ((result: PhaseResult) => void) | undefined;
}

export interface CrewEvents {
  /** The first worker has begun to measure. */
  measuring(): void;
  /** Latest figures of the phase, one for each worker that has sent some. */
  figures(all: readonly LiveFigures[]): void;
}

export class Crew implements AsyncDisposable {
  readonly #members: Member[] = [];
  #fail: (error: Error) => void = () => undefined;
  #broken: Error | undefined;
  #events: CrewEvents | undefined;
  #measuring = false;

  constructor(setups: readonly WorkerSetup[]) {
    for (const setup of setups) {
      const worker = new Worker(WORKER_URL, { workerData: setup });
      const member: Member = { worker, figures: undefined, finish: undefined };
      worker.on('message', (message: FromWorker) => this.#heard(member, message));
      worker.on('error', (error) => {
        this.#broken = error instanceof Error ? error : new Error(String(error));
        this.#fail(this.#broken);
      });
      this.#members.push(member);
    }
  }

  /** Runs one order a worker, in the same sequence; an undefined order leaves its worker out. */
  async run(orders: readonly (PhaseOrder | undefined)[], events: CrewEvents): Promise<PhaseResult[]> {
    if (this.#broken !== undefined) throw this.#broken;
    this.#events = events;
    this.#measuring = false;
    const failed = new Promise<never>((_resolve, reject) => {
      this.#fail = reject;
    });
    const results = this.#members.flatMap((member, index) => {
      const order = orders[index];
      if (order === undefined) return [];
      member.figures = undefined;
      return new Promise<PhaseResult>((resolve) => {
        member.finish = resolve;
        this.#tell(member, { type: 'run', order });
      });
    });
    return await Promise.race([Promise.all(results), failed]);
  }

  /** Ends the phase that is running, if any: its results come as they stand. */
  stop(): void {
    for (const member of this.#members) this.#tell(member, { type: 'stop' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member.worker.terminate()));
  }

  #tell(member: Member, message: ToWorker): void {
    member.worker.postMessage(message);
  }

  #heard(member: Member, message: FromWorker): void {
    if (message.type === 'result') member.finish?.(message.result);
    else if (message.type === 'figures') {
      member.figures = message.figures;
      this.#events?.figures(this.#members.flatMap((one) => one.figures ?? []));
    } else if (!this.#measuring) {
      this.#measuring = true;
      this.#events?.measuring();
    }
  }
}
