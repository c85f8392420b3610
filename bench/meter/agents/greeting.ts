/** How a controller and an agent begin: the controller shows that it knows the token, the agent says who it is. */
import { createHash, timingSafeEqual } from 'node:crypto';

export const AGENT_PROTOCOL = 1;
export const TOKEN_VARIABLE = 'HOLDFAST_METER_TOKEN';
export const AGENT_PORT_DEFAULT = 7411;

export interface ControllerGreeting {
  readonly protocol: number;
  readonly token: string;
}

export interface AgentGreeting {
  readonly protocol: number;
  readonly host: string;
  readonly processor: string;
  readonly processors: number;
}

export interface Refusal {
  readonly refused: string;
}

/** In a time that tells nothing of where they differ. */
export function sameToken(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** `HOST:PORT`, `[::1]:PORT`, or `HOST` with the default port; undefined when it is neither. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-f:]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text);
  const port = match?.[3] === undefined ? AGENT_PORT_DEFAULT : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127\./.test(host);
}
