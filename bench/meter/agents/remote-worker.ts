/** A worker on another machine, by its agent. */
import { connect } from 'node:net';
import { HoldfastError } from '#common/errors.ts';
import { type Message, WorkerCaller } from '../crew/calls.ts';
import type { WorkerHandle } from '../crew/local-worker.ts';
import type { WorkerEvents } from '../crew/meter-worker.ts';
import {
  AGENT_PROTOCOL,
  type AgentGreeting,
  type AgentHello,
  isLoopback,
  parseAddress,
  type Refusal,
  TOKEN_CHARACTERS_MIN,
  TOKEN_VARIABLE,
} from './greeting.ts';
import { JsonLines } from './lines.ts';
import { Session } from './session.ts';

const GREETING_MS_MAX = 10_000;
const CLOCK_SAMPLES = 7;

export interface RemoteWorker extends WorkerHandle {
  readonly agent: AgentGreeting;
  clockAheadMs: number;
  /** By which `clockAheadMs` may be wrong. */
  clockUncertaintyMs: number;
  readonly alignClock: () => Promise<void>;
}

/**
 * What the other clock shows more than ours: of several questions the one that was answered soonest, whose answer lies
 * in the middle of its way there and back (D. Mills, RFC 5905, section 8, for a client that keeps no time between).
 */
async function clockOf(caller: WorkerCaller): Promise<{ aheadMs: number; tripMs: number }> {
  const here = (): number => performance.timeOrigin + performance.now();
  let best = { tripMs: Number.POSITIVE_INFINITY, aheadMs: 0 };
  for (let sample = 0; sample < CLOCK_SAMPLES; sample++) {
    const askedMs = here();
    const theirs = await caller.call('now');
    const tripMs = here() - askedMs;
    if (tripMs < best.tripMs) best = { tripMs, aheadMs: theirs - (askedMs + tripMs / 2) };
  }
  return best;
}

type Said = Partial<AgentHello & AgentGreeting & Refusal>;

/** @param next resolves to what the agent says next, and rejects when it is lost. */
async function greet(
  name: string,
  token: string,
  lines: JsonLines,
  next: () => Promise<Said>,
): Promise<AgentGreeting> {
  const said = async (): Promise<Said> => {
    const found = await next();
    if (found.refused === undefined) return found;
    throw new HoldfastError('request-refused', `${name} refuses: ${found.refused}`);
  };
  const session = new Session('controller', token);
  const { protocol, publicKey = '' } = await said();
  if (protocol !== AGENT_PROTOCOL)
    throw new HoldfastError('request-refused', `${name} speaks another protocol than ${AGENT_PROTOCOL}`);
  const seal = session.seal(publicKey);
  lines.send({ protocol: AGENT_PROTOCOL, publicKey: session.publicKey, proof: session.proof(publicKey) });
  lines.sealWith(seal);
  // That it can be opened shows that the agent knows the token too.
  return (await said()) as AgentGreeting;
}

/** Throws `peer-unavailable` or `request-refused` with one clear line. */
export async function connectAgent(
  address: string,
  token: string,
  events: WorkerEvents,
): Promise<RemoteWorker> {
  const where = parseAddress(address);
  if (where === undefined) throw new HoldfastError('invalid-argument', `not an agent's address: ${address}`);
  const name = `agent ${address}`;
  if (!isLoopback(where.host) && token.length < TOKEN_CHARACTERS_MIN)
    throw new HoldfastError(
      'request-refused',
      `${name}: set ${TOKEN_VARIABLE} to ${TOKEN_CHARACTERS_MIN} characters at least: whoever answers there would be believed`,
    );
  const socket = connect(where);
  const heard: Said[] = [];
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined);
  let hear: (said: Said) => void = (said) => heard.push(said);
  let greeted = false;
  const next = (): Promise<Said> => {
    const said = heard.shift();
    if (said !== undefined) return Promise.resolve(said);
    return Promise.race([
      lost.promise,
      new Promise<Said>((resolve) => {
        hear = (one) => {
          hear = (later) => heard.push(later);
          resolve(one);
        };
      }),
    ]);
  };
  const caller = new WorkerCaller((message) => lines.send(message), events);
  const lines: JsonLines = new JsonLines(
    socket,
    (value) => (greeted ? caller.heard(value as Message) : hear(value as Said)),
    (reason) => {
      lost.reject(new HoldfastError('peer-unavailable', `${name}: ${reason}`));
      caller.lose(`${name} is lost: ${reason}`);
    },
  );
  const limit = setTimeout(() => socket.destroy(new Error('no greeting came')), GREETING_MS_MAX);
  try {
    const answer = await greet(name, token, lines, next);
    greeted = true;
    lines.beat();
    const worker: RemoteWorker = {
      name,
      caller,
      elsewhere: true,
      agent: answer,
      clockAheadMs: 0,
      clockUncertaintyMs: 0,
      close: () => lines.close(),
      alignClock: async () => {
        const { aheadMs, tripMs } = await clockOf(caller);
        worker.clockAheadMs = aheadMs;
        worker.clockUncertaintyMs = tripMs / 2;
      },
    };
    await worker.alignClock();
    return worker;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}
