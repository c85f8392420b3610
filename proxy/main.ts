/** The proxy role: the S3 and Swift front doors on the cluster. */
import type { Server } from 'node:net';
import { readClusterKey } from '#common/config/cluster-key.ts';
import type { RoleControl, RunningRole } from '#common/config/role-control.ts';
import type { ProxyRoleConfig } from '#common/config/roles.ts';
import { MetricsRegistry } from '#common/metrics/registry.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realNetwork } from '#common/io/real-network.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { type ClusterOptions, openCluster } from '#cluster/open-cluster.ts';
import { followRing } from '#ring/file/follow-ring.ts';
import { IdentityFollower } from '#control/protocol/identity-follower.ts';
import { SecretSeal } from '#control/protocol/sealed-secret.ts';
import { UsersStore } from './auth/users-store.ts';
import { defaultBodyLimits } from './body/body-context.ts';
import { BufferPool } from './body/buffer-pool.ts';
import { DigestPool } from './body/digest-pool.ts';
import { Meter } from './metering/meter.ts';
import { StorageSampler } from './metering/storage-sampler.ts';
import { IdentityCredentials } from './identity/identity-credentials.ts';
import { buildS3Context } from './s3/build-context.ts';
import { createProxyServer, defaultServerLimits } from './server.ts';
import { startRemovals, startSweep } from './sweep/start-sweep.ts';
import { buildSwiftContext } from './swift/build-context.ts';
import { HttpMetrics } from './traffic/http-metrics.ts';
import { observeProxy } from './traffic/proxy-metrics.ts';
import { Traffic } from './traffic/traffic.ts';

/** How long a start waits for control where nothing was kept of what it said before. */
const FIRST_WORD_MS_MAX = 3000;

/** @param local the devices of this process, when it has some. */
export async function runProxyRole(
  config: ProxyRoleConfig,
  control: RoleControl,
  local?: ClusterOptions['local'],
): Promise<RunningRole> {
  const clock = realClock();
  const randomness = realRandomness();
  const { log } = control;
  const [clusterKey, rings, users] = await Promise.all([
    readClusterKey(config.clusterKeyFile),
    followRing({
      files: realFiles(),
      clock,
      path: config.ringFile,
      report: (problem) => log.warn('the ring', { problem }),
    }),
    UsersStore.open(config.usersFile, {
      clock,
      report: (problem) => log.warn('the users file', { problem }),
    }),
  ]);
  const follower =
    config.identity &&
    (await IdentityFollower.open({
      feed: config.identity.feed,
      cacheFile: config.identity.cacheFile,
      keepMs: config.identity.cacheSeconds * 1000,
      clusterKey,
      clock,
      randomness,
      report: (problem) => log.warn('identity', { problem }),
    }));
  const credentials =
    follower === undefined
      ? users
      : new IdentityCredentials(users, follower.known, new SecretSeal(clusterKey));
  const cluster = await openCluster({
    network: realNetwork(),
    clock,
    randomness,
    clusterKey,
    rings,
    graceMs: config.sweep.graceSeconds * 1000,
    ...(local === undefined ? {} : { local }),
  });
  const buffers = new BufferPool();
  const digests = DigestPool.start({ memory: buffers.memory });
  const { name, region, virtualHosts, bucketShards, onlyProxy } = config;
  const bodies = { buffers, digests, clock, limits: defaultBodyLimits };
  const served = { cluster, clock, randomness, log, credentials, bodies };
  const s3 = buildS3Context({
    ...served,
    name,
    region,
    virtualHosts,
    bucketShards,
    onlyProxy,
    lifecycleDayMs: config.sweep.daySeconds * 1000,
  });
  const metrics = control.metrics ?? new MetricsRegistry();
  const meter = new Meter({ cluster, clock, randomness, log });
  const sampler = new StorageSampler({ cluster, clock, randomness, log });
  const traffic = new Traffic(clock, [new HttpMetrics(metrics), meter]);
  const doors = { s3, swift: buildSwiftContext(s3, clusterKey, follower?.known) };
  const limits = { ...defaultServerLimits, requestsMax: config.requestsMax };
  const server = createProxyServer(doors, limits, traffic);
  // Whoever knocks at the first start is told who he is, and not that nobody can tell; control starts at the same time.
  await follower?.current(FIRST_WORD_MS_MAX);
  const port = await server.listen(
    control.listener === undefined ? config.listen : (control.listener as Server),
  );
  meter.start(() => traffic.countOpen());
  sampler.start();
  const sweep = startSweep(cluster, clock, log, config.sweep);
  const removals = startRemovals(cluster, { clock, log, directory: s3.directory, config: config.sweep });
  const registers = cluster.context.figures;
  const repairs = () => cluster.repairs.figures;
  observeProxy(metrics, { traffic, rings, digests, buffers, registers, repairs, sweep: () => sweep.status });
  return {
    ports: [port],
    lookForRing: () => rings.look(),
    status: async () => ({
      ringVersion: rings.current.version,
      digestStreams: digests.streams,
      buffersLent: buffers.lent,
      sweep: sweep.status,
      expiry: removals.expiry.status,
      lifecycle: removals.lifecycle.status,
    }),
    async close() {
      await Promise.all([
        sweep.close(),
        removals.expiry.close(),
        removals.lifecycle.close(),
        sampler.close(),
      ]);
      await server.close();
      await meter.close();
      await cluster.close();
      await follower?.close();
      users.close();
      rings.close();
      await digests.close();
    },
  };
}
