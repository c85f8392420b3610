/** Where a worker's process begins. */
import { answerCall, type Message } from './calls.ts';
import { MeterWorker } from './meter-worker.ts';

const send = (message: Message): void => {
  if (process.connected) process.send?.(message);
};
const worker = new MeterWorker({
  figures: (value) => send({ event: 'figures', value }),
  written: (value) => send({ event: 'written', value }),
});

process.on('message', (message: Message) => {
  void answerCall(worker, message, send);
});
// The one that started us decides when we end: a Ctrl-C reaches both.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => {
  worker.close();
  process.exit(0);
});
