/** A worker on another machine, by its agent. */
import { connect } from 'node:net';
import { HoldfastError } from '#common/errors.ts';
import { type Message, WorkerCaller } from '../crew/calls.ts';
import type { WorkerHandle } from '../crew/local-worker.ts';
import type { WorkerEvents } from '../crew/meter-worker.ts';
import { AGENT_PROTOCOL, type AgentGreeting, parseAddress, type Refusal } from './greeting.ts';
import { JsonLines } from './lines.ts';

const GREETING_MS_MAX = 10_000;
const CLOCK_SAMPLES = 7;

export interface RemoteWorker extends WorkerHandle {
  readonly agent: AgentGreeting;
  /** By which `clockAheadMs` may be wrong. */
  readonly clockUncertaintyMs: number;
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

/** Throws `peer-unavailable` or `request-refused` with one clear line. */
export async function connectAgent(
  address: string,
  token: string,
  events: WorkerEvents,
): Promise<RemoteWorker> {
  const where = parseAddress(address);
  if (where === undefined) throw new HoldfastError('invalid-argument', `not an agent's address: ${address}`);
  const name = `agent ${address}`;
  const socket = connect(where);
  let greet: (value: AgentGreeting & Partial<Refusal>) => void = () => undefined;
  let lose: (reason: string) => void = () => undefined;
  let greeted = false;
  const caller = new WorkerCaller((message) => lines.send(message), events);
  const lines: JsonLines = new JsonLines(
    socket,
    (value) => {
      if (greeted) caller.heard(value as Message);
      else greet(value as AgentGreeting & Partial<Refusal>);
    },
    (reason) => {
      lose(reason);
      caller.lose(`${name} is lost: ${reason}`);
    },
  );
  const limit = setTimeout(() => socket.destroy(new Error('no greeting came')), GREETING_MS_MAX);
  try {
    const answer = await new Promise<AgentGreeting & Partial<Refusal>>((resolve, reject) => {
      greet = resolve;
      lose = (reason) => reject(new HoldfastError('peer-unavailable', `${name}: ${reason}`));
      lines.send({ protocol: AGENT_PROTOCOL, token });
    });
    if (answer.refused !== undefined)
      throw new HoldfastError('request-refused', `${name} refuses: ${answer.refused}`);
    greeted = true;
    const { aheadMs, tripMs } = await clockOf(caller);
    const clock = { clockAheadMs: aheadMs, clockUncertaintyMs: tripMs / 2 };
    return { name, caller, agent: answer, ...clock, close: () => lines.close() };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}
