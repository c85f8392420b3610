/** An agent: lends this machine to whoever shows the token. Each controller has a worker process of its own. */
import { createServer, type Server, type Socket } from 'node:net';
import { cpus, hostname } from 'node:os';
import { type Message } from '../crew/calls.ts';
import { startLocalWorker, type WorkerHandle } from '../crew/local-worker.ts';
import { AGENT_PROTOCOL, type AgentGreeting, type ControllerGreeting } from './greeting.ts';
import { JsonLines } from './lines.ts';
import { Session } from './session.ts';

const CONTROLLERS_MAX = 8;
const GREETING_MS_MAX = 10_000;

function greeting(): AgentGreeting {
  const processors = cpus();
  const processor = processors[0]?.model.trim() ?? 'unknown';
  return { host: hostname(), processor, processors: processors.length };
}

/** Serves one controller until either side closes. */
function serve(socket: Socket, token: string, told: (text: string) => void): void {
  const from = socket.remoteAddress ?? 'somebody';
  const session = new Session('agent', token);
  let worker: WorkerHandle | undefined;
  const limit = setTimeout(() => socket.destroy(), GREETING_MS_MAX);
  const refuse = (reason: string): void => {
    told(`${from} is refused: ${reason}`);
    lines.send({ refused: reason });
    lines.close();
  };
  const greeted = (said: Partial<ControllerGreeting>): void => {
    if (said.protocol !== AGENT_PROTOCOL) refuse(`this agent speaks protocol ${AGENT_PROTOCOL}`);
    else if (!session.accepts(said.publicKey ?? '', said.proof ?? '')) refuse('the token is wrong');
    else {
      clearTimeout(limit);
      const { publicKey = '' } = said;
      const seal = session.seal(publicKey);
      told(`${from} is the controller`);
      lines.sealWith(seal);
      lines.send(greeting());
      lines.beat();
      const send = (message: Message): void => lines.send(message);
      worker = startLocalWorker('worker', {
        figures: (value) => send({ event: 'figures', value }),
        written: (value) => send({ event: 'written', value }),
      });
    }
  };
  const lines = new JsonLines(
    socket,
    (value) => {
      if (worker === undefined) greeted(value as Partial<ControllerGreeting>);
      else relay(worker, value as Message, (answer) => lines.send(answer));
    },
    () => {
      clearTimeout(limit);
      worker?.close();
      if (worker !== undefined) told(`${from} has gone`);
    },
  );
  lines.send({ protocol: AGENT_PROTOCOL, publicKey: session.publicKey });
}

/** Calls the worker as the controller asked, and answers under the controller's number. */
function relay(worker: WorkerHandle, message: Message, answer: (message: Message) => void): void {
  if (!('call' in message)) return;
  const { call, method, args } = message;
  const forward = worker.caller.call.bind(worker.caller) as (
    name: string,
    ...rest: unknown[]
  ) => Promise<unknown>;
  forward(method, ...args).then(
    (value) => answer({ answer: call, value }),
    (error: Error & { code?: string }) =>
      answer({ answer: call, error: { code: error.code ?? 'aborted', message: error.message } }),
  );
}

export interface RunningAgent extends AsyncDisposable {
  readonly port: number;
}

/** @param told is called with a line for each controller that comes, is refused, or goes. */
export async function startAgent(
  host: string,
  port: number,
  token: string,
  told: (text: string) => void,
): Promise<RunningAgent> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, token, told);
  });
  server.maxConnections = CONTROLLERS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
