/** One replica's process: cuts frames, drives the register's core as the storage node does, and dies when it is told to. */
import { hasCode } from '#common/errors.ts';
import type { AcceptedState } from '#storage-node/protocol/accepted-state.ts';
import { type FrameType, frameTypes, sealFrame } from '#storage-node/protocol/frame.ts';
import { FrameReader } from '#storage-node/protocol/frame-reader.ts';
import {
  type Accept,
  decodeAccept,
  encodeAccepted,
  encodeRefused,
} from '#storage-node/protocol/messages/accept.ts';
import { encodeFailed } from '#storage-node/protocol/messages/failed.ts';
import type { EncodedMessage } from '#storage-node/protocol/messages/message.ts';
import { type Prepare, decodePrepare, encodePromised } from '#storage-node/protocol/messages/prepare.ts';
import {
  type Read,
  decodeRead,
  encodeBallotAnswer,
  encodeStateAnswer,
} from '#storage-node/protocol/messages/read.ts';
import type { ReplicaAction } from '#storage-node/register/replica.ts';
import type { Cores, ReplicaCore } from './cores.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

/** Takes the bytes of an answer on their way. */
export type Reply = (bytes: Buffer) => void;

export interface ReplicaContext {
  readonly name: string;
  readonly cores: Cores;
  readonly disk: SimulatedDisk;
  readonly clock: SimulatedClock;
  readonly promisesMax: number;
}

export class SimulatedReplica {
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk;
  readonly #context: ReplicaContext;
  /** Undefined while the process is down. */
  #core: ReplicaCore | undefined;

  constructor(context: ReplicaContext) {
    this.name = context.name;
    this.clock = context.clock;
    this.disk = context.disk;
    this.#context = context;
    this.start();
  }

  get isUp(): boolean {
    return this.#core !== undefined;
  }

  start(): void {
    const { cores, disk, clock, promisesMax } = this.#context;
    this.#core = cores.replica({ disk, promisesMax, nowMs: () => clock.nowMs() });
  }

  crash(): void {
    this.#core = undefined;
    this.disk.crash();
  }

  /** @param frame one whole frame. It must not be called while the process is down. */
  receive(frame: Buffer, reply: Reply): void {
    const reader = new FrameReader({
      frame: (type, stream, device, payload) => {
        const answer: Answer = (message) => reply(sealed(message, device, stream));
        try {
          this.#handle(type, payload, answer);
        } catch (error) {
          if (!hasCode(error, 'clock-skewed')) throw error;
          answer(encodeFailed(error));
        }
      },
      takeBuffer: (length) => Buffer.alloc(length),
    });
    reader.push(frame);
  }

  #handle(type: FrameType, payload: Buffer, answer: Answer): void {
    const core = this.#core;
    if (core === undefined) throw new Error(`${this.name} is down`);
    if (type === frameTypes.prepare) this.#prepare(core, decodePrepare(payload), answer);
    else if (type === frameTypes.accept) this.#accept(core, decodeAccept(payload), answer);
    else if (type === frameTypes.read) this.#read(decodeRead(payload), answer);
    else throw new Error(`a replica is not sent messages of type ${type}`);
  }

  #prepare(core: ReplicaCore, message: Prepare, answer: Answer): void {
    this.#raiseAhead(core);
    const action = core.prepare(message.key, message.ballot);
    if (action.type === 'raise') {
      this.#raise(core, action.ceiling, () => this.#prepare(core, message, answer));
    } else if (action.type === 'await') {
      this.disk.whenDurable(() => this.#prepare(core, message, answer));
    } else {
      answerNow(action, answer);
    }
  }

  #accept(core: ReplicaCore, message: Accept, answer: Answer): void {
    const action = core.accept(message.key, message.state);
    if (action.type === 'append') this.#append(message, action.state, action.settle, answer);
    else if (action.type === 'await') this.disk.whenDurable(() => answer(encodeAccepted()));
    else answerNow(action, answer);
  }

  #append(message: Accept, state: AcceptedState, settle: (durable: boolean) => void, answer: Answer): void {
    this.disk.append(message.key.toString('latin1'), state, () => {
      settle(true);
      answer(encodeAccepted());
    });
  }

  #read(message: Read, answer: Answer): void {
    const state = this.disk.read(message.key.toString('latin1'));
    if (!message.ballotOnly) answer(encodeStateAnswer({ type: 'state', state }));
    else answer(encodeBallotAnswer({ type: 'ballot', ballot: state?.ballot, live: state?.live ?? false }));
  }

  #raise(core: ReplicaCore, ceiling: number, then: () => void): void {
    this.disk.raiseCeiling(ceiling, () => {
      core.ceilingRaised(ceiling);
      then();
    });
  }

  #raiseAhead(core: ReplicaCore): void {
    const ceiling = core.ceilingDue();
    if (ceiling !== undefined) this.#raise(core, ceiling, () => undefined);
  }
}

type Answer = (message: EncodedMessage) => void;

function answerNow(action: ReplicaAction, send: Answer): void {
  if (action.type !== 'answer') throw new Error(`the replica asks for '${action.type}' out of turn`);
  const { answer } = action;
  if (answer.type === 'promised') send(encodePromised(answer));
  else if (answer.type === 'accepted') send(encodeAccepted());
  else send(encodeRefused(answer));
}

/** The whole frame as one buffer. */
export function sealed(message: EncodedMessage, device: number, stream: number): Buffer {
  sealFrame(message.head, message.type, device, stream, message.rest);
  return message.rest.length === 0 ? message.head : Buffer.concat([message.head, ...message.rest]);
}
