/** A role's metrics, on the address that its configuration names. */
import { readClusterKey } from '#common/config/cluster-key.ts';
import type { RoleConfig } from '#common/config/role-config.ts';
import type { Logger } from '#common/log/logger.ts';
import { metricsToken, startMetricsServer } from '#common/metrics/metrics-server.ts';
import type { MetricsRegistry } from '#common/metrics/registry.ts';

/** A port that is taken is told, and costs nobody more than the metrics. */
export async function serveMetrics(
  role: RoleConfig,
  registry: MetricsRegistry,
  log: Logger,
): Promise<AsyncDisposable> {
  if (role.metrics === undefined) return nothing;
  try {
    const token = metricsToken(await readClusterKey(keyFileOf(role)));
    const server = await startMetricsServer(registry, role.metrics, token);
    return { [Symbol.asyncDispose]: () => server.close() };
  } catch (error) {
    log.warn('metrics are not served', { error, ...role.metrics });
    return nothing;
  }
}

const nothing: AsyncDisposable = { [Symbol.asyncDispose]: async () => {} };

function keyFileOf(role: RoleConfig): string {
  return role.role === 'node' ? role.config.proxy.clusterKeyFile : role.config.clusterKeyFile;
}
