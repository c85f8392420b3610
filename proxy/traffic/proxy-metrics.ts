/** What a proxy has besides its requests, as metrics. */
import type { MetricsRegistry } from '#common/metrics/registry.ts';
import type { BufferPool } from '#proxy/body/buffer-pool.ts';
import type { DigestPool } from '#proxy/body/digest-pool.ts';
import type { RingSource } from '#ring/live-ring.ts';
import type { RegisterFigures } from '#cluster/context.ts';
import type { RepairFigures } from '#cluster/repair/repairer.ts';
import type { SweepFigures } from '#proxy/sweep/sweep-context.ts';
import type { Traffic } from './traffic.ts';

export interface ObservedProxy {
  readonly traffic: Traffic;
  readonly rings: RingSource;
  readonly digests: DigestPool;
  readonly buffers: BufferPool;
  readonly registers: RegisterFigures | undefined;
  readonly repairs: () => RepairFigures;
  /** Of the pass under way, or the last one. */
  readonly sweep: () => SweepFigures & { readonly passes: number };
}

export function observeProxy(registry: MetricsRegistry, observed: ObservedProxy): void {
  const { traffic, rings, digests, buffers, registers, repairs, sweep } = observed;
  const gauge = (name: string, help: string, observe: () => number) =>
    registry.observed('gauge', { name, help }, observe);
  gauge('holdfast_http_requests_in_flight', 'Requests that are under way.', () => traffic.openRequests);
  gauge('holdfast_ring_version', 'Version of the ring that the proxy goes by.', () => rings.current.version);
  gauge('holdfast_proxy_digest_streams', 'Bodies that are being digested.', () => digests.streams);
  gauge('holdfast_proxy_buffers_lent', 'Buffers that bodies hold.', () => buffers.lent);
  const counter = (name: string, help: string, observe: () => number) =>
    registry.observed('counter', { name, help }, observe);
  if (registers !== undefined) {
    counter('holdfast_register_mutations_total', 'Records written.', () => registers.mutations);
    counter(
      'holdfast_register_conflicts_total',
      'Attempts that had to be repeated: another was at the record, or a replica did not answer.',
      () => registers.repeatedAttempts,
    );
    counter(
      'holdfast_register_given_up_total',
      'Writes without a decision in time.',
      () => registers.givenUp,
    );
  }
  gauge(
    'holdfast_repairs_waiting',
    'Records and stripes that devices are known to lack.',
    () => repairs().waiting,
  );
  counter('holdfast_repaired_records_total', 'Records given to devices.', () => repairs().repairedRecords);
  counter('holdfast_repaired_stripes_total', 'Stripes given to devices.', () => repairs().repairedBlobs);
  counter('holdfast_repairs_dropped_total', 'Repairs given up, or without room.', () => repairs().dropped);
  counter('holdfast_sweep_passes_total', 'Passes of the sweep.', () => sweep().passes);
  gauge('holdfast_sweep_blobs', 'Blobs that the last pass swept.', () => sweep().sweptBlobs);
  gauge('holdfast_sweep_bytes', 'Bytes that the last pass swept.', () => sweep().sweptBytes);
  gauge('holdfast_sweep_failures', 'Devices that the last pass could not go over.', () => sweep().failures);
}
