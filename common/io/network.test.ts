import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from './manual-clock.ts';
import { memoryNetwork } from './memory-network.ts';
import { networkCompliance } from './network.compliance.ts';
import { realNetwork } from './real-network.ts';

networkCompliance({ name: 'real', make: realNetwork, host: '127.0.0.1' });
networkCompliance({ name: 'memory', make: memoryNetwork, host: 'server' });

test('a partition holds bytes back until it heals; new connections time out meanwhile', async () => {
  const clock = new ManualClock();
  const network = memoryNetwork({ clock });
  const heard: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const listener = await network.listen({ host: 'b', port: 1 }, (one) => {
    one.listen({
      data: (chunk) => {
        heard.push(chunk.toString());
        arrived.resolve();
      },
      closed: () => {
        heard.push('closed');
        closed.resolve();
      },
    });
  });
  const connection = await network.host('a').connect(listener.address, 1000);
  connection.listen({ data: () => undefined, closed: () => undefined });
  network.partition('a', 'b');
  connection.write([Buffer.from('held')]);
  const refused = network.host('a').connect(listener.address, 1000);
  clock.advance(1000);
  await assert.rejects(refused, { code: 'peer-unavailable' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard, []);
  network.heal();
  await arrived.promise;
  assert.deepEqual(heard, ['held']);
  network.sever('a', 'b');
  await closed.promise;
  assert.deepEqual(heard, ['held', 'closed']);
  await listener.close();
});
