/** What every process tells of itself, under the names that Prometheus's own clients use. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { MetricsRegistry } from './registry.ts';

const MICROSECONDS = 1e-6;
const NANOSECONDS = 1e-9;
const RESOLUTION_MS = 20;

/** Disposed, it no longer watches the event loop. */
export function observeProcess(registry: MetricsRegistry): Disposable {
  const startedSeconds = performance.timeOrigin / 1000;
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const counter = (name: string, help: string, observe: () => number) =>
    registry.observed('counter', { name, help }, observe);
  const gauge = (name: string, help: string, observe: () => number) =>
    registry.observed('gauge', { name, help }, observe);
  counter('process_cpu_user_seconds_total', 'CPU time in user mode.', () => cpu('user'));
  counter('process_cpu_system_seconds_total', 'CPU time in the system.', () => cpu('system'));
  counter('process_cpu_seconds_total', 'CPU time.', () => cpu('user') + cpu('system'));
  gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.', () => startedSeconds);
  gauge('process_resident_memory_bytes', 'Memory that is resident.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Heap of V8 that is used.', () => process.memoryUsage().heapUsed);
  gauge('nodejs_heap_size_total_bytes', 'Heap of V8.', () => process.memoryUsage().heapTotal);
  gauge(
    'nodejs_external_memory_bytes',
    'Memory of objects outside of the heap.',
    () => process.memoryUsage().external,
  );
  gauge('nodejs_eventloop_lag_mean_seconds', 'Delay of the event loop since the last look.', () =>
    lagSeconds(delays.count === 0 ? 0 : delays.mean),
  );
  gauge(
    'nodejs_eventloop_lag_p99_seconds',
    'The same, at the 99th percentile; a look begins it anew.',
    () => {
      const seconds = lagSeconds(delays.percentile(99));
      delays.reset();
      return seconds;
    },
  );
  registry.observed('gauge', { name: 'nodejs_version_info', help: 'The version of Node.' }, () => [
    [['version', process.version], 1],
  ]);
  return { [Symbol.dispose]: () => void delays.disable() };
}

/** What is measured is the time from one timer to the next, which is never shorter than the timer. */
function lagSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds * NANOSECONDS - RESOLUTION_MS / 1000);
}

function cpu(kind: 'user' | 'system'): number {
  return process.cpuUsage()[kind] * MICROSECONDS;
}
