import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FrameType, frameTypes } from './frame.ts';
import { ClientHandshake, NONCE_BYTES, ServerHandshake, type TrafficClass } from './handshake.ts';
import { payloadOf } from './messages/message.fixture.ts';
import type { EncodedMessage } from './messages/message.ts';

const KEY = Buffer.alloc(32, 7);
const OTHER_KEY = Buffer.alloc(32, 8);
const unauthenticated = { code: 'peer-unauthenticated' };

function client(key = KEY, traffic: TrafficClass = 'small'): ClientHandshake {
  return new ClientHandshake(key, traffic, Buffer.alloc(NONCE_BYTES, 1));
}

function server(key = KEY): ServerHandshake {
  return new ServerHandshake(key, Buffer.alloc(NONCE_BYTES, 2));
}

function received(message: EncodedMessage): [FrameType, Buffer] {
  return [message.type, payloadOf(message)];
}

function next(step: EncodedMessage | 'done'): EncodedMessage {
  assert.ok(step !== 'done');
  return step;
}

describe('the handshake', () => {
  for (const traffic of ['small', 'bulk'] as const) {
    test(`proves the key to both sides, for ${traffic} traffic`, () => {
      const a = client(KEY, traffic);
      const b = server();
      const challenge = b.answer(...received(a.hello));
      assert.equal(challenge.done, false);
      const proof = next(a.answer(...received(challenge.send)));
      const welcome = b.answer(...received(proof));
      assert.equal(welcome.done, true);
      assert.equal(a.answer(...received(welcome.send)), 'done');
      assert.equal(b.traffic, traffic);
    });
  }

  test('ends at the client when the server has another key', () => {
    const a = client();
    const challenge = server(OTHER_KEY).answer(...received(a.hello));
    assert.throws(() => a.answer(...received(challenge.send)), unauthenticated);
  });

  test('ends at the server when the client has another key', () => {
    const b = server();
    b.answer(...received(client().hello));
    assert.throws(() => b.answer(frameTypes.proof, Buffer.alloc(32, 9)), unauthenticated);
    // A client that does not check the server's proof still cannot make its own.
    const impostor = client(OTHER_KEY);
    const theirs = server(OTHER_KEY).answer(...received(impostor.hello));
    const proof = next(impostor.answer(...received(theirs.send)));
    const ours = server();
    ours.answer(...received(impostor.hello));
    assert.throws(() => ours.answer(...received(proof)), unauthenticated);
  });

  test('is not won by sending the own challenge back', () => {
    const b = server();
    const challenge = b.answer(...received(client().hello));
    const proofOfServer = payloadOf(challenge.send).subarray(NONCE_BYTES);
    assert.throws(() => b.answer(frameTypes.proof, proofOfServer), unauthenticated);
  });

  test('is not won with a proof that was heard in another handshake', () => {
    const a = client();
    const first = server();
    const proof = next(a.answer(...received(first.answer(...received(a.hello)).send)));
    const second = new ServerHandshake(KEY, Buffer.alloc(NONCE_BYTES, 3));
    second.answer(...received(a.hello));
    assert.throws(() => second.answer(...received(proof)), unauthenticated);
  });

  test('ends when anything else is said before it is done', () => {
    assert.throws(() => server().answer(frameTypes.prepare, Buffer.alloc(60)), unauthenticated);
    assert.throws(() => server().answer(frameTypes.proof, Buffer.alloc(32)), unauthenticated);
    assert.throws(() => client().answer(frameTypes.welcome, Buffer.alloc(0)), unauthenticated);
    const b = server();
    b.answer(...received(client().hello));
    assert.throws(() => b.answer(frameTypes.read, Buffer.alloc(60)), unauthenticated);
  });

  test('takes no message with a byte too few or too many', () => {
    const hello = payloadOf(client().hello);
    for (const payload of [hello.subarray(1), Buffer.concat([hello, Buffer.alloc(1)])]) {
      assert.throws(() => server().answer(frameTypes.hello, payload), { code: 'protocol-violation' });
    }
  });
});
