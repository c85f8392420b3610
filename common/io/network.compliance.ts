/** What every implementation of the network seam does. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Connection, Listener, Network } from './network.ts';

export interface NetworkFactory {
  readonly name: string;
  readonly make: () => Network;
  readonly host: string;
}

const TIMEOUT_MS = 5000;

/** What a connection has received, and a way to wait for it. */
class Received {
  receivedBytes = 0;
  closedWith: { error: Error | undefined } | undefined;
  closings = 0;
  readonly #chunks: Buffer[] = [];
  #waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  constructor(connection: Connection) {
    connection.listen({
      data: (chunk) => {
        this.#chunks.push(Buffer.from(chunk));
        this.receivedBytes += chunk.length;
        this.#look();
      },
      closed: (error) => {
        this.closings += 1;
        this.closedWith = { error };
        this.#look();
      },
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ until: condition, resolve });
      this.#look();
    });
  }

  length(bytes: number): Promise<void> {
    return this.until(() => this.receivedBytes >= bytes);
  }

  closed(): Promise<void> {
    return this.until(() => this.closedWith !== undefined);
  }

  #look(): void {
    this.#waiting = this.#waiting.filter((one) => {
      if (!one.until()) return true;
      one.resolve();
      return false;
    });
  }
}

interface Pair {
  readonly network: Network;
  readonly listener: Listener;
  readonly client: Connection;
  readonly server: Connection;
}

async function pair(context: TestContext, factory: NetworkFactory): Promise<Pair> {
  const network = factory.make();
  const accepted = Promise.withResolvers<Connection>();
  const listener = await network.listen({ host: factory.host, port: 0 }, (one) => accepted.resolve(one));
  const client = await network.connect(listener.address, TIMEOUT_MS);
  const server = await accepted.promise;
  context.after(async () => {
    client.destroy();
    await listener.close();
  });
  return { network, listener, client, server };
}

export function networkCompliance(factory: NetworkFactory): void {
  const story = (title: string, run: (pair: Pair) => Promise<void>): void => {
    test(`${factory.name} network: ${title}`, async (context) => run(await pair(context, factory)));
  };

  story('bytes arrive in order, both ways, whatever the chunks', async ({ client, server }) => {
    const atServer = new Received(server);
    const atClient = new Received(client);
    const whole = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    client.write([whole.subarray(0, 1), whole.subarray(1, 70_000)]);
    client.write([]);
    client.write([Buffer.alloc(0), whole.subarray(70_000)]);
    server.write([Buffer.from('and back')]);
    await Promise.all([atServer.length(whole.length), atClient.length(8)]);
    assert.ok(atServer.bytes.equals(whole));
    assert.equal(atClient.bytes.toString(), 'and back');
  });

  story('nothing is lost that was sent before anybody listened', async ({ client, server }) => {
    client.write([Buffer.from('early')]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const atServer = new Received(server);
    await atServer.length(5);
    assert.equal(atServer.bytes.toString(), 'early');
  });

  story('a writer learns when its memory is free, in order', async ({ client, server }) => {
    const atServer = new Received(server);
    const order: number[] = [];
    const last = Promise.withResolvers<void>();
    client.write([Buffer.alloc(10)], () => order.push(1));
    client.write([Buffer.alloc(100_000), Buffer.alloc(10)], () => order.push(2));
    client.write([], () => order.push(0));
    client.write([Buffer.alloc(1)], () => last.resolve());
    await last.promise;
    assert.deepEqual(
      order.filter((one) => one > 0),
      [1, 2],
    );
    await atServer.length(100_021);
  });

  story('a paused receiver holds the sender back', async ({ client, server }) => {
    const atServer = new Received(server);
    server.pause();
    const chunk = Buffer.alloc(256 * 1024, 1);
    // More than a system keeps for both ends of a connection: Linux grows to 32 MiB and 4 MiB.
    const chunks = 256;
    for (let count = 0; count < chunks; count += 1) client.write([chunk]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(client.queuedBytes > 0);
    server.resume();
    await atServer.length(chunks * chunk.length);
  });

  story('end sends what is queued, then both sides close once', async ({ client, server }) => {
    const atServer = new Received(server);
    const atClient = new Received(client);
    client.write([Buffer.alloc(200_000, 3)]);
    client.end();
    await Promise.all([atServer.closed(), atClient.closed()]);
    assert.equal(atServer.receivedBytes, 200_000);
    assert.deepEqual(atServer.closedWith, { error: undefined });
    assert.equal(atServer.closings, 1);
    assert.equal(atClient.closings, 1);
  });

  story('destroy frees the memory of what never left, and closes both sides', async ({ client, server }) => {
    const atServer = new Received(server);
    const atClient = new Received(client);
    server.pause();
    const freed = Promise.withResolvers<void>();
    for (let count = 0; count < 64; count += 1) client.write([Buffer.alloc(512 * 1024)]);
    client.write([Buffer.alloc(1)], () => freed.resolve());
    const reason = new Error('enough');
    client.destroy(reason);
    await Promise.all([freed.promise, atClient.closed()]);
    assert.equal(atClient.closedWith?.error, reason);
    server.resume();
    await atServer.closed();
  });

  story('a write behind the end is dropped and its memory freed', async ({ client, server }) => {
    const atServer = new Received(server);
    client.end();
    await new Promise<void>((resolve) => client.write([Buffer.from('late')], resolve));
    await atServer.closed();
    assert.equal(atServer.receivedBytes, 0);
  });

  story('closing the listener closes what it accepted, and refuses the next', async (open) => {
    const atServer = new Received(open.server);
    const atClient = new Received(open.client);
    await open.listener.close();
    await Promise.all([atServer.closed(), atClient.closed()]);
    await assert.rejects(open.network.connect(open.listener.address, TIMEOUT_MS), {
      code: 'peer-unavailable',
    });
  });

  story('one who listens late hears that it has closed', async ({ client, server }) => {
    client.destroy();
    server.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await new Received(server).closed();
  });
}
