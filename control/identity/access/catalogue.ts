/** Which services there are and where: held in memory, so that no token costs a read of the store. */
import type { EndpointRecord, ServiceRecord } from '../records/records.ts';

export interface CatalogueEntry {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly {
    readonly id: string;
    readonly interface: string;
    readonly region: string | null;
    readonly region_id: string | null;
    readonly url: string;
  }[];
}

/** What stands for the project in an endpoint's URL. */
const PLACEHOLDER = /[$%]\((project_id|tenant_id|user_id)\)s/g;

export class Catalogue {
  readonly services = new Map<string, ServiceRecord>();
  readonly endpoints = new Map<string, EndpointRecord>();

  /** Endpoints that need a project are left out of what is made for none. */
  for(userId: string, projectId: string | undefined): CatalogueEntry[] {
    const entries: CatalogueEntry[] = [];
    for (const service of this.services.values()) {
      if (!service.enabled) continue;
      const endpoints = [...this.endpoints.values()].flatMap((endpoint) => {
        if (endpoint.service_id !== service.id || !endpoint.enabled) return [];
        const url = urlOf(endpoint.url, userId, projectId);
        if (url === undefined) return [];
        const { id, region_id } = endpoint;
        return [{ id, interface: endpoint.interface, region: region_id, region_id, url }];
      });
      entries.push({ id: service.id, type: service.type, name: service.name, endpoints });
    }
    return entries;
  }
}

function urlOf(template: string, userId: string, projectId: string | undefined): string | undefined {
  let isWhole = true;
  const url = template.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = name === 'user_id' ? userId : projectId;
    if (value === undefined) isWhole = false;
    return value ?? '';
  });
  return isWhole ? url : undefined;
}
