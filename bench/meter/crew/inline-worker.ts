/** A worker within the meter's own process: quick to start, with four threads for files, for tries and tests. */
import { answerCall, type Message, WorkerCaller } from './calls.ts';
import type { WorkerHandle } from './local-worker.ts';
import { MeterWorker, type WorkerEvents } from './meter-worker.ts';

export function startInlineWorker(name: string, events: WorkerEvents): WorkerHandle {
  const worker = new MeterWorker(events);
  const caller: WorkerCaller = new WorkerCaller((message: Message) => {
    void answerCall(worker, message, (answer) => caller.heard(answer));
  }, events);
  return { name, caller, clockAheadMs: 0, elsewhere: false, close: () => worker.close() };
}
