/** Calls of a worker's methods over a channel of messages: a child process's, or a line of JSON each over a socket. */
import { type ErrorCode, errorCodes, errorText, HoldfastError } from '#common/errors.ts';
import type { MeterWorker, WorkerEvents } from './meter-worker.ts';

/** The methods that may be called, with what they take and give. */
export type WorkerMethods = Pick<
  MeterWorker,
  | 'now'
  | 'open'
  | 'writeClips'
  | 'removeClips'
  | 'removePlace'
  | 'sizeOf'
  | 'runStreams'
  | 'fillOps'
  | 'runOps'
  | 'opsRates'
  | 'endOps'
  | 'clearOps'
  | 'stop'
>;
export type MethodName = keyof WorkerMethods;
export const methodNames: readonly MethodName[] = [
  'now',
  'open',
  'writeClips',
  'removeClips',
  'removePlace',
  'sizeOf',
  'runStreams',
  'fillOps',
  'runOps',
  'opsRates',
  'endOps',
  'clearOps',
  'stop',
];

export type Message =
  | { readonly call: number; readonly method: MethodName; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value?: unknown }
  | { readonly answer: number; readonly error: { readonly code: string; readonly message: string } }
  | { readonly event: keyof WorkerEvents; readonly value: unknown };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The side that calls. */
export class WorkerCaller {
  readonly #send: (message: Message) => void;
  readonly #events: WorkerEvents;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #lost: Error | undefined;

  constructor(send: (message: Message) => void, events: WorkerEvents) {
    this.#send = send;
    this.#events = events;
  }

  /** Whether the worker can no longer be called. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Throws what the method throws, and `peer-unavailable` when the worker is lost. */
  async call<Name extends MethodName>(
    method: Name,
    ...args: Parameters<WorkerMethods[Name]>
  ): Promise<Awaited<ReturnType<WorkerMethods[Name]>>> {
    if (this.#lost !== undefined) throw this.#lost;
    const call = this.#next++;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(call, { resolve, reject }));
    this.#send({ call, method, args });
    return (await answer) as Awaited<ReturnType<WorkerMethods[Name]>>;
  }

  heard(message: Message): void {
    if ('event' in message) {
      if (message.event === 'written') this.#events.written(message.value as number);
      else this.#events.figures(message.value as Parameters<WorkerEvents['figures']>[0]);
    } else if ('answer' in message) {
      const waiting = this.#waiting.get(message.answer);
      this.#waiting.delete(message.answer);
      if ('error' in message) waiting?.reject(failure(message.error));
      else waiting?.resolve(message.value);
    }
  }

  /** Fails what is under way, and all calls to come. */
  lose(reason: string): void {
    this.#lost ??= new HoldfastError('peer-unavailable', reason);
    for (const call of this.#waiting.values()) call.reject(this.#lost);
    this.#waiting.clear();
  }
}

function failure({ code, message }: { code: string; message: string }): HoldfastError {
  return new HoldfastError(Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'aborted', message);
}

/** The side that is called: answers one message. */
export async function answerCall(
  worker: MeterWorker,
  message: Message,
  send: (message: Message) => void,
): Promise<void> {
  if (!('call' in message)) return;
  const { call, method, args } = message;
  try {
    if (!methodNames.includes(method)) throw new HoldfastError('protocol-violation', `no method ${method}`);
    // The caller's signature has checked the arguments.
    const work = worker[method] as (...args: readonly unknown[]) => unknown;
    send({ answer: call, value: await work.apply(worker, [...args]) });
  } catch (error) {
    const code = error instanceof HoldfastError ? error.code : 'aborted';
    send({ answer: call, error: { code, message: errorText(error) } });
  }
}
