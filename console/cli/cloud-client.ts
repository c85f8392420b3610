/** Asks the cloud's API as its administrator: who reads a data directory has that password. */
import { readFile } from 'node:fs/promises';
import { HoldfastError } from '#common/errors.ts';
import type { DataPaths } from '../supervisor/data-paths.ts';
import { fetchStatus, runningControl } from './control-client.ts';

const ANSWER_MS_MAX = 60_000;

export interface CloudAnswer {
  readonly status: number;
  readonly text: string;
}

export interface CloudClient {
  /** @param path from the API's root, such as `/v1/usage`. Throws `request-refused` with the cloud's own words. */
  ask(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: object): Promise<CloudAnswer>;
}

/** Throws `peer-unavailable` when no cluster of this folder answers. */
export async function openCloud(paths: DataPaths): Promise<CloudClient> {
  const control = runningControl(paths);
  if (control === undefined)
    throw new HoldfastError('peer-unavailable', `the cluster in ${paths.root} is not running`);
  const { endpoints } = await fetchStatus(paths, control);
  const token = await login(endpoints.control, (await readFile(paths.adminPassword, 'utf8')).trim());
  return {
    async ask(method, path, body) {
      const response = await send(endpoints.control + path, {
        method,
        headers: {
          'x-auth-token': token,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new HoldfastError('request-refused', refusalIn(text, response.status));
      return { status: response.status, text };
    },
  };
}

async function login(origin: string, password: string): Promise<string> {
  const user = { name: 'admin', domain: { id: 'default' }, password };
  const scope = { project: { name: 'admin', domain: { id: 'default' } } };
  const response = await send(`${origin}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
  });
  const token = response.headers.get('x-subject-token');
  if (token !== null) return token;
  throw new HoldfastError('request-refused', refusalIn(await response.text(), response.status));
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  } catch (cause) {
    throw new HoldfastError('peer-unavailable', `no answer from ${new URL(url).origin}`, { cause });
  }
}

function refusalIn(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // Told below.
  }
  return `the cloud's API answered ${status}`;
}

/** The names of projects by their ids. */
export async function projectNames(cloud: CloudClient): Promise<Map<string, string>> {
  const { text } = await cloud.ask('GET', '/v3/projects');
  const { projects } = JSON.parse(text) as { projects: readonly { id: string; name: string }[] };
  return new Map(projects.map(({ id, name }) => [id, name]));
}

/** The id of a project by its name or id. Throws `invalid-argument` for none, or several. */
export async function projectNamed(cloud: CloudClient, name: string): Promise<string> {
  const names = await projectNames(cloud);
  const found = [...names].filter(([id, each]) => id === name || each === name).map(([id]) => id);
  if (found[0] !== undefined && found.length === 1) return found[0];
  const wrong =
    found.length === 0 ? `there is no project ${name}` : `${name} is the name of several projects`;
  if (found.length === 0 && /^[0-9a-f]{32}$/.test(name)) return name;
  throw new HoldfastError('invalid-argument', wrong);
}
