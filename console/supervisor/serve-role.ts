/** A role's own process: runs the role, answers its supervisor, and ends with it. */
import { flushCompileCache } from 'node:module';
import type { ListenHandle, RoleControl, RunningRole } from '#common/config/role-control.ts';
import { loadRoleConfig, type RoleConfig, type RoleName } from '#common/config/role-config.ts';
import { errorText } from '#common/errors.ts';
import { observeProcess } from '#common/metrics/process-metrics.ts';
import { MetricsRegistry } from '#common/metrics/registry.ts';
import { serveMetrics } from './serve-metrics.ts';
import { createProcessLogger, type Logger } from '#common/log/logger.ts';
import { Membership } from './membership.ts';
import type { FromRole, ToRole } from './role-messages.ts';
import { devicesOfRole } from './role-plan.ts';

/** How long the role may take to finish what is under way. */
const CLOSE_MS_MAX = 9_000;
const START_MS_MAX = 10_000;

export interface ServedRole {
  readonly role: RoleName;
  readonly configFile: string;
  /** The program's. */
  readonly version: string;
}

/**
 * Runs until `signal` aborts (SIGTERM) or the supervisor's channel closes, then closes the role. Resolves to whether it
 * served. Without a supervisor it runs in the foreground and its log goes to standard output.
 */
export async function serveRole(
  { role, configFile, version }: ServedRole,
  signal: AbortSignal,
): Promise<boolean> {
  const ended = endOf(signal);
  let log = createProcessLogger('info', { role });
  try {
    const listener = await listenerFromSupervisor();
    const config = loadRoleConfig(role, configFile);
    log = createProcessLogger('info', { process: config.config.name });
    const metrics = new MetricsRegistry();
    using _watched = observeProcess(metrics);
    await using _served = await serveMetrics(config, metrics, log);
    await using membership = await Membership.open({ role: config, version, log });
    if (!(await membership.ringAtHand(ended))) return true;
    const running = await runRole(config, { log, metrics, ...(listener === undefined ? {} : { listener }) });
    membership.serving(running);
    answerQuestions(running, log);
    takeDevices(running, role, configFile, log);
    tell({ type: 'ready', ports: running.ports });
    // A role may never come to a clean end: what it compiled is kept now.
    flushCompileCache();
    log.info('serving', { role, ports: running.ports });
    log.info('stopping', { why: await ended });
    await membership.leave();
    await closeInTime(running, log);
    return true;
  } catch (error) {
    log.error('the role cannot serve', { error });
    const code = error instanceof Error && 'code' in error ? { code: String(error.code) } : {};
    tell({ type: 'failed', text: errorText(error), ...code });
    return false;
  }
}

async function runRole(role: RoleConfig, control: RoleControl): Promise<RunningRole> {
  // Loaded only here: a role's program brings libraries that no other process should pay for.
  if (role.role === 'storage') {
    const { runStorageRole } = await import('#storage-node/main.ts');
    return await runStorageRole(role.config, control);
  }
  if (role.role === 'node') {
    const { runNodeRole } = await import('./node-role.ts');
    return await runNodeRole(role.config, control);
  }
  if (role.role === 'control') {
    const { runControlRole } = await import('#control/main.ts');
    return await runControlRole(role.config, control);
  }
  const { runProxyRole } = await import('#proxy/main.ts');
  return await runProxyRole(role.config, control);
}

/** Resolves to the reason when the role is to end. */
function endOf(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('asked to');
    signal.addEventListener('abort', () => resolve('asked to'), { once: true });
    // However the supervisor ended, kill -9 included, its end of the channel is closed: leave no orphan behind.
    process.once('disconnect', () => resolve('the supervisor is gone'));
  });
}

/** The supervisor's first word, and the socket that may come with it; at once when there is no supervisor. */
function listenerFromSupervisor(): Promise<ListenHandle | undefined> {
  if (process.send === undefined) return Promise.resolve(undefined);
  // Without the supervisor nobody reads the log: a broken pipe must not keep the role from closing its files.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the supervisor said nothing')), START_MS_MAX);
    process.once('message', (message: ToRole, handle: unknown) => {
      clearTimeout(timer);
      if (message.type !== 'start') reject(new Error(`the supervisor began with ${message.type}`));
      else resolve(typeof handle === 'object' && handle !== null ? handle : undefined);
    });
  });
}

/** Devices come and go while the role runs: its configuration is read again. */
function takeDevices(running: RunningRole, role: RoleName, configFile: string, log: Logger): void {
  let turn = Promise.resolve();
  process.on('message', (message: ToRole) => {
    if (message.type !== 'devices') return;
    turn = turn
      .then(() => running.serveDevices?.(devicesOfRole(loadRoleConfig(role, configFile))))
      .catch((error: unknown) => log.error('a device cannot be served', { error }));
  });
}

function answerQuestions(running: RunningRole, log: Logger): void {
  process.on('message', (message: ToRole) => {
    if (message.type !== 'status') return;
    const { id } = message;
    running.status().then(
      (status) => tell({ type: 'status', id, status }),
      (error: unknown) => {
        log.warn('the status cannot be told', { error });
        tell({ type: 'status', id, error: errorText(error) });
      },
    );
  });
}

function tell(message: FromRole): void {
  // A supervisor that is gone is noticed by 'disconnect'.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

async function closeInTime(running: RunningRole, log: Logger): Promise<void> {
  const timer = setTimeout(() => {
    log.error('the role did not close in time', { seconds: CLOSE_MS_MAX / 1000 });
    process.exit(1);
  }, CLOSE_MS_MAX);
  await running.close();
  clearTimeout(timer);
  log.info('stopped');
}
