/** `/v3/regions`, `/v3/services` and `/v3/endpoints`. */
import { param, type Route } from '../../api/route.ts';
import { badRequest, forbidden } from '../api-error.ts';
import { newId } from '../new-id.ts';
import {
  endpointInterfaces,
  type EndpointRecord,
  type RegionRecord,
  type ServiceRecord,
} from '../records/records.ts';
import { attribute, attributesOf, bodyOf, checkFixed, many, one } from './resource.ts';

const regionId = { type: 'string', pattern: '^[A-Za-z0-9._-]{1,255}$' };
const regionAttributes = { id: regionId, description: attribute.text, parent_region_id: attribute.idOrNull };

export const regionRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/regions',
    operation: 'identity:list_regions',
    handle: async ({ regions }, call) => many(call, 'regions', await regions.list(), ['parent_region_id']),
  },
  {
    method: 'POST',
    path: '/regions',
    operation: 'identity:create_region',
    body: bodyOf('region', regionAttributes),
    async handle({ regions, randomness }, call) {
      const given = attributesOf(call, 'region');
      const parentId = typeof given['parent_region_id'] === 'string' ? given['parent_region_id'] : null;
      const region: RegionRecord = {
        description: '',
        ...given,
        id: typeof given['id'] === 'string' ? given['id'] : newId(randomness),
        parent_region_id: parentId,
      };
      if (parentId !== null) await regions.get(parentId);
      await regions.insert(region, { compare: parentId === null ? [] : [regions.exists(parentId)] });
      return one(call, 'regions', 'region', region, 201);
    },
  },
  {
    method: 'GET',
    path: '/regions/:region_id',
    operation: 'identity:get_region',
    handle: async ({ regions }, call) =>
      one(call, 'regions', 'region', await regions.get(param(call, 'region_id'))),
  },
  {
    method: 'PATCH',
    path: '/regions/:region_id',
    operation: 'identity:update_region',
    body: bodyOf('region', regionAttributes),
    async handle({ regions }, call) {
      const given = attributesOf(call, 'region');
      const after = await regions.update(param(call, 'region_id'), (before) => {
        checkFixed(before, given, ['parent_region_id']);
        return { ...before, ...given, id: before.id };
      });
      return one(call, 'regions', 'region', after);
    },
  },
  {
    method: 'DELETE',
    path: '/regions/:region_id',
    operation: 'identity:delete_region',
    async handle({ regions, endpoints }, call) {
      const id = param(call, 'region_id');
      const isUsed =
        (await endpoints.list()).some(({ region_id }) => region_id === id) ||
        (await regions.list()).some(({ parent_region_id }) => parent_region_id === id);
      if (isUsed) throw forbidden('The region has endpoints, or regions below it.');
      await regions.remove(id);
      return { status: 204 };
    },
  },
];

const serviceAttributes = {
  type: attribute.name,
  name: { type: 'string', maxLength: 255 },
  description: attribute.text,
  enabled: attribute.flag,
};

export const serviceRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/services',
    operation: 'identity:list_services',
    handle: async ({ services }, call) => many(call, 'services', await services.list(), ['name', 'type']),
  },
  {
    method: 'POST',
    path: '/services',
    operation: 'identity:create_service',
    body: bodyOf('service', serviceAttributes, ['type']),
    async handle({ services, randomness }, call) {
      const given = attributesOf(call, 'service');
      const service: ServiceRecord = {
        name: '',
        description: '',
        enabled: true,
        ...given,
        id: newId(randomness),
        type: String(given['type']),
      };
      await services.insert(service);
      return one(call, 'services', 'service', service, 201);
    },
  },
  {
    method: 'GET',
    path: '/services/:service_id',
    operation: 'identity:get_service',
    handle: async ({ services }, call) =>
      one(call, 'services', 'service', await services.get(param(call, 'service_id'))),
  },
  {
    method: 'PATCH',
    path: '/services/:service_id',
    operation: 'identity:update_service',
    body: bodyOf('service', serviceAttributes),
    async handle({ services }, call) {
      const given = attributesOf(call, 'service');
      const after = await services.update(param(call, 'service_id'), (before) => {
        checkFixed(before, given, []);
        return { ...before, ...given, id: before.id };
      });
      return one(call, 'services', 'service', after);
    },
  },
  {
    method: 'DELETE',
    path: '/services/:service_id',
    operation: 'identity:delete_service',
    async handle({ services, endpoints }, call) {
      const id = param(call, 'service_id');
      await services.remove(id);
      // An endpoint of a service that is gone is in no catalogue; its record goes with it.
      for (const endpoint of await endpoints.list())
        if (endpoint.service_id === id) await endpoints.remove(endpoint.id);
      return { status: 204 };
    },
  },
];

const endpointAttributes = {
  service_id: attribute.id,
  region_id: attribute.idOrNull,
  region: attribute.idOrNull,
  interface: { enum: endpointInterfaces },
  url: { type: 'string', minLength: 1, maxLength: 2048, pattern: '^https?://[!-~]+$' },
  enabled: attribute.flag,
};

export const endpointRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/endpoints',
    operation: 'identity:list_endpoints',
    async handle({ endpoints }, call) {
      const found = (await endpoints.list()).map(withRegion);
      return many(call, 'endpoints', found, ['interface', 'service_id', 'region_id', 'region']);
    },
  },
  {
    method: 'POST',
    path: '/endpoints',
    operation: 'identity:create_endpoint',
    body: bodyOf('endpoint', endpointAttributes, ['service_id', 'interface', 'url']),
    async handle({ endpoints, services, regions, randomness }, call) {
      const { region, ...given } = attributesOf(call, 'endpoint') as Partial<EndpointRecord>;
      const region_id = given.region_id ?? (typeof region === 'string' ? region : null);
      const { service_id = '', url = '', interface: kind = 'public' } = given;
      await services.get(service_id);
      if (region_id !== null) await regions.get(region_id);
      checkTemplate(url);
      const compare = [
        services.exists(service_id),
        ...(region_id === null ? [] : [regions.exists(region_id)]),
      ];
      const id = newId(randomness);
      const endpoint: EndpointRecord = {
        enabled: true,
        ...given,
        id,
        service_id,
        region_id,
        url,
        interface: kind,
      };
      await endpoints.insert(endpoint, { compare });
      return one(call, 'endpoints', 'endpoint', withRegion(endpoint), 201);
    },
  },
  {
    method: 'GET',
    path: '/endpoints/:endpoint_id',
    operation: 'identity:get_endpoint',
    handle: async ({ endpoints }, call) =>
      one(call, 'endpoints', 'endpoint', withRegion(await endpoints.get(param(call, 'endpoint_id')))),
  },
  {
    method: 'PATCH',
    path: '/endpoints/:endpoint_id',
    operation: 'identity:update_endpoint',
    body: bodyOf('endpoint', endpointAttributes),
    async handle({ endpoints, services, regions }, call) {
      const { region, ...given } = attributesOf(call, 'endpoint') as Partial<EndpointRecord>;
      if (given.service_id !== undefined) await services.get(given.service_id);
      const region_id = given.region_id ?? (typeof region === 'string' ? region : undefined);
      if (typeof region_id === 'string') await regions.get(region_id);
      if (given.url !== undefined) checkTemplate(given.url);
      const after = await endpoints.update(param(call, 'endpoint_id'), (before) => {
        checkFixed(before, given, []);
        return { ...before, ...given, id: before.id, region_id: region_id ?? before.region_id };
      });
      return one(call, 'endpoints', 'endpoint', withRegion(after));
    },
  },
  {
    method: 'DELETE',
    path: '/endpoints/:endpoint_id',
    operation: 'identity:delete_endpoint',
    async handle({ endpoints }, call) {
      await endpoints.remove(param(call, 'endpoint_id'));
      return { status: 204 };
    },
  },
];

/** Older clients look for `region`. */
function withRegion(endpoint: EndpointRecord): EndpointRecord {
  return { ...endpoint, region: endpoint.region_id };
}

/** Only what the catalogue fills in may stand in parentheses. */
function checkTemplate(url: string): void {
  const rest = url.replaceAll(/[$%]\((project_id|tenant_id|user_id)\)s/g, '');
  if (/[$%]\(/.test(rest))
    throw badRequest(
      'A URL may hold %(project_id)s, %(tenant_id)s and %(user_id)s, and nothing else of that form.',
    );
}
