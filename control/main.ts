/** The control role: identity, usage and quotas, on the control store. */
import { readFile } from 'node:fs/promises';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { readClusterKey } from '#common/config/cluster-key.ts';
import type { RoleControl, RunningRole } from '#common/config/role-control.ts';
import type { ControlRoleConfig } from '#common/config/roles.ts';
import { realClock } from '#common/io/real-clock.ts';
import { realFiles } from '#common/io/real-files.ts';
import { realRandomness } from '#common/io/real-randomness.ts';
import { followRing } from '#ring/file/follow-ring.ts';
import { openClusterServices } from './cluster-services.ts';
import { FailureLimit } from './api/failure-limit.ts';
import { buildApiServer } from './api/server.ts';
import { identityRoutes } from './identity/api/identity-routes.ts';
import { version2Routes } from './identity/api/version2.ts';
import { ensureFirstStart } from './identity/first-start.ts';
import { startFeedServer } from './identity/feed/feed-server.ts';
import { openIdentity } from './identity/identity.ts';
import { removeLeftBehind } from './identity/left-behind.ts';
import { membershipService } from './membership/membership-service.ts';
import { ProcessBook } from './membership/process-book.ts';
import { RingPublisher } from './membership/ring-publisher.ts';
import { serviceJson, serviceRoutes } from './membership/service-routes.ts';
import { openControlStore } from './store/open-store.ts';

/** How long requests under way are waited for. */
const CLOSE_MS_MAX = 5000;

export async function runControlRole(config: ControlRoleConfig, control: RoleControl): Promise<RunningRole> {
  const { log } = control;
  const clock = realClock();
  const randomness = realRandomness();
  const clusterKey = await readClusterKey(config.clusterKeyFile);
  const store = await openControlStore(
    { path: config.storePath, etcd: config.etcd },
    {
      clock,
      randomness,
      // Nothing that was not durable may be shown again: the supervisor starts this process anew, from the disk.
      onFailure: (error) => {
        log.error('the control store has failed', { error });
        process.exit(1);
      },
    },
  );
  const settings = config.identity;
  const identity = await openIdentity({ store, clock, randomness, log, clusterKey, settings });
  await ensureFirstStart(identity, {
    adminPassword: (await readFile(config.adminPasswordFile, 'utf8')).trim(),
    adminProjectId: config.adminProjectId,
    region: config.region,
    services: config.services,
  });
  await removeLeftBehind(identity);
  const book = new ProcessBook(store, clock);
  const ring = config.ringFile === undefined ? undefined : await openRing(config.ringFile, control);
  const membership = membershipService({ clusterKey, clock, randomness, log, book, rings: ring?.publisher });
  const feed = await startFeedServer({ identity, clusterKey, listen: config.feed, beside: [membership] });
  const services =
    ring && (await openClusterServices({ rings: ring.rings, clusterKey, store, clock, randomness, log }));
  const failures = new FailureLimit(settings.failuresAtOnceMax, () => clock.monotonicMs());
  let isReady = true;
  const app = buildApiServer({
    identity,
    routes: [...identityRoutes(failures), ...(services?.limitRoutes ?? [])],
    version2Routes: version2Routes(failures),
    cloudRoutes: [...(services?.routes ?? []), ...serviceRoutes(() => book)],
    isReady: () => isReady,
  });
  await app.ready();
  const port = await listening(app.server, config.listen, control.listener as Server | undefined);
  return {
    ports: [port, feed.port],
    status: async () => ({
      revocations: identity.verifier.revocations.size,
      ringVersion: ring?.rings.current.version ?? 0,
      services: (await book.list()).map(serviceJson),
    }),
    lookForRing: () => ring?.rings.look(),
    async close() {
      isReady = false;
      await closed(app.server);
      await app.close();
      await feed.close();
      await services?.close();
      await ring?.publisher.close();
      ring?.rings.close();
      await identity.close();
      await store.close();
    },
  };
}

async function openRing(path: string, { log }: RoleControl) {
  const files = realFiles();
  const report = (problem: string) => log.warn('the ring', { problem });
  const rings = await followRing({ files, clock: realClock(), path, report });
  return { rings, publisher: new RingPublisher({ files, path, rings, report }) };
}

/** What is under way is answered, within a limit. */
async function closed(server: HttpServer): Promise<void> {
  const gone = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
  await gone;
  clearTimeout(timer);
}

function listening(
  server: Server,
  { host, port }: ControlRoleConfig['listen'],
  given: Server | undefined,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const done = () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    };
    if (given === undefined) server.listen({ host, port, backlog: 4096 }, done);
    else server.listen(given, done);
  });
}
