/**
 * `/v1/services`: the processes of the cluster. The fields that Cinder's and Nova's `os-services` and Neutron's agents have bear
 * their names (binary, host, zone, status, state, updated_at).
 */
import { hasCode } from '#common/errors.ts';
import { param, type Route } from '../api/route.ts';
import { conflict, notFound } from '../identity/api-error.ts';
import type { ListedProcess, ProcessBook } from './process-book.ts';

/** @param book asked for only when a request is handled: a page of all routes needs none. */
export function serviceRoutes(book: () => ProcessBook): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/services',
      operation: 'service:list',
      async handle(_identity, { query }) {
        const { binary, host } = query;
        const shown = (await book().list()).map(serviceJson);
        const services = shown.filter(
          (service) =>
            (binary === undefined || service.binary === binary) &&
            (host === undefined || service.host === host),
        );
        return { body: { services } };
      },
    },
    {
      method: 'DELETE',
      path: '/services/:service_id',
      operation: 'service:delete',
      async handle(_identity, call) {
        const name = param(call, 'service_id');
        try {
          await book().remove(name);
        } catch (error) {
          if (hasCode(error, 'resource-missing')) throw notFound('service', name);
          if (hasCode(error, 'condition-failed')) throw conflict(`Service ${name} is up: stop it first.`);
          throw error;
        }
        return { status: 204 };
      },
    },
  ];
}

export type ServiceJson = ReturnType<typeof serviceJson>;

export function serviceJson(process: ListedProcess) {
  const { name, role, host, zone, version, ports, isUp, heardMs, startedMs } = process;
  return {
    id: name,
    binary: `holdfast-${role}`,
    host,
    zone,
    status: 'enabled' as const,
    state: isUp ? ('up' as const) : ('down' as const),
    updated_at: openstackTime(heardMs),
    started_at: openstackTime(startedMs),
    version,
    ports,
    ring_version: process.ringVersion,
    devices: process.devices,
    devices_out: process.devicesOut,
  };
}

/** UTC with microseconds and no zone, as Nova and Cinder write it. */
function openstackTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000`;
}
