/** Where a worker thread begins. */
import { parentPort, workerData } from 'node:worker_threads';
import { LoadWorker } from './load-worker.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-messages.ts';

const port = parentPort;
if (port === null) throw new TypeError('this file is a worker thread');

const worker = new LoadWorker(workerData as WorkerSetup, (message: FromWorker) => port.postMessage(message));

port.on('message', (message: ToWorker) => {
  if (message.type === 'stop') worker.stop();
  else
    worker.run(message.order).catch((error: unknown) => {
      // A failure that no operation accounts for is a mistake of the generator: it ends the thread and the run.
      setImmediate(() => {
        throw error;
      });
    });
});
