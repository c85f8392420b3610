/** The control store in Debian's etcd: as every store, and with members that are killed and connections that are cut. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { realClock } from '#common/io/real-clock.ts';
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts';
import { storeCompliance } from '#control/store/store.compliance.ts';
import { RunningEtcd } from './running-etcd.ts';

describe('etcd', () => {
  let etcd: RunningEtcd;
  let count = 0;
  before(async () => {
    etcd = await RunningEtcd.start(1);
  });
  after(() => etcd.stop());

  storeCompliance({
    name: 'etcd',
    make: async () => {
      count += 1;
      const prefix = `/test/${count}/`;
      const store = openEtcdStore({ endpoints: etcd.endpoints, prefix }, realClock());
      return {
        store,
        passSeconds: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
        remove: () => store.close(),
      };
    },
  });

  test('two installations in one etcd do not see each other', async () => {
    const [one, other] = ['/one/', '/other/'].map((prefix) =>
      openEtcdStore({ endpoints: etcd.endpoints, prefix }, realClock()),
    );
    assert.ok(one && other);
    await one.transact({ then: [{ kind: 'put', key: 'k', value: Buffer.from('1') }] });
    assert.equal((await other.range({ from: '!', to: '\x7f' })).entries.length, 0);
    assert.equal((await one.range({ from: '!', to: '\x7f' })).entries.length, 1);
    await Promise.all([one.close(), other.close()]);
  });
});
