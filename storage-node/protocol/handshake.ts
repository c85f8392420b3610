/** The mutual proof of the cluster key: docs/formats/protocol.md, "Handshake". Pure: bytes in, bytes out. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { HoldfastError } from '#common/errors.ts';
import { type FrameType, frameTypes } from './frame.ts';
import { type EncodedMessage, emptyMessage, smallMessage } from './messages/message.ts';

export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;
export const HANDSHAKE_MS_MAX = 5000;

export const trafficClasses = { small: 1, bulk: 2 } as const;
export type TrafficClass = keyof typeof trafficClasses;

type Side = 'server' | 'client';

function prove(clusterKey: Buffer, side: Side, clientNonce: Buffer, serverNonce: Buffer): Buffer {
  return createHmac('sha256', clusterKey)
    .update(`holdfast ${side}`)
    .update(clientNonce)
    .update(serverNonce)
    .digest();
}

function checkProof(expected: Buffer, given: Buffer): void {
  if (!timingSafeEqual(expected, given)) throw new HoldfastError('peer-unauthenticated');
}

function expectType(type: FrameType, expected: FrameType): void {
  if (type !== expected)
    throw new HoldfastError('peer-unauthenticated', 'the peer spoke before the handshake was done');
}

/** The side that connected: send `hello`, then feed frames to `answer` until it says that the handshake is done. */
export class ClientHandshake {
  readonly hello: EncodedMessage;
  readonly #clusterKey: Buffer;
  readonly #clientNonce: Buffer;
  #proofSent = false;

  constructor(clusterKey: Buffer, traffic: TrafficClass, clientNonce: Buffer) {
    this.#clusterKey = clusterKey;
    this.#clientNonce = clientNonce;
    this.hello = smallMessage(frameTypes.hello, NONCE_BYTES + 1, (into) =>
      into.raw(clientNonce).u8(trafficClasses[traffic]),
    );
  }

  /** Returns what to send next, or 'done'. Throws `peer-unauthenticated`. */
  answer(type: FrameType, payload: Buffer): EncodedMessage | 'done' {
    if (this.#proofSent) {
      expectType(type, frameTypes.welcome);
      return 'done';
    }
    expectType(type, frameTypes.challenge);
    const from = new ByteReader(payload, 'protocol-violation');
    const serverNonce = from.raw(NONCE_BYTES);
    checkProof(prove(this.#clusterKey, 'server', this.#clientNonce, serverNonce), from.raw(PROOF_BYTES));
    from.end();
    this.#proofSent = true;
    const proof = prove(this.#clusterKey, 'client', this.#clientNonce, serverNonce);
    return smallMessage(frameTypes.proof, PROOF_BYTES, (into) => into.raw(proof));
  }
}

/** The side that listens: feed it frames, send what it gives, until it says that the peer has proved itself. */
export class ServerHandshake {
  readonly #clusterKey: Buffer;
  readonly #serverNonce: Buffer;
  #clientNonce: Buffer | undefined;
  traffic: TrafficClass = 'small';

  constructor(clusterKey: Buffer, serverNonce: Buffer) {
    this.#clusterKey = clusterKey;
    this.#serverNonce = serverNonce;
  }

  answer(type: FrameType, payload: Buffer): { send: EncodedMessage; done: boolean } {
    const from = new ByteReader(payload, 'protocol-violation');
    if (this.#clientNonce === undefined) {
      expectType(type, frameTypes.hello);
      const clientNonce = Buffer.from(from.raw(NONCE_BYTES));
      this.traffic = from.u8() === trafficClasses.bulk ? 'bulk' : 'small';
      from.end();
      this.#clientNonce = clientNonce;
      const proof = prove(this.#clusterKey, 'server', clientNonce, this.#serverNonce);
      const send = smallMessage(frameTypes.challenge, NONCE_BYTES + PROOF_BYTES, (into) =>
        into.raw(this.#serverNonce).raw(proof),
      );
      return { send, done: false };
    }
    expectType(type, frameTypes.proof);
    checkProof(
      prove(this.#clusterKey, 'client', this.#clientNonce, this.#serverNonce),
      from.raw(PROOF_BYTES),
    );
    from.end();
    return { send: emptyMessage(frameTypes.welcome), done: true };
  }
}
