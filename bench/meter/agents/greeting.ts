/**
 * How a controller and an agent begin. The agent says its protocol and public key; the controller answers with its own
 * and the proof that it knows the token; from there on all is sealed (session.ts), but for a refusal.
 */

/** 3: both sides say every second that they are there. */
export const AGENT_PROTOCOL = 3;
export const TOKEN_VARIABLE = 'HOLDFAST_METER_TOKEN';
export const AGENT_PORT_DEFAULT = 7411;

/** Beyond this machine, where strangers may try. */
export const TOKEN_CHARACTERS_MIN = 16;

export interface AgentHello {
  readonly protocol: number;
  readonly publicKey: string;
}

export interface ControllerGreeting {
  readonly protocol: number;
  readonly publicKey: string;
  readonly proof: string;
}

/** The first message that is sealed. */
export interface AgentGreeting {
  readonly host: string;
  readonly processor: string;
  readonly processors: number;
}

export interface Refusal {
  readonly refused: string;
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
