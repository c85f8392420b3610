/** `holdfast meter agent`: lends this machine to a controller. */
import { type Command, exitCodes } from '#common/command-line.ts';
import { errorText, hasCode } from '#common/errors.ts';
import { parseOptions, wrong } from '../../load/option-values.ts';
import { startAgent } from './agent.ts';
import {
  AGENT_PORT_DEFAULT,
  isLoopback,
  parseAddress,
  TOKEN_CHARACTERS_MIN,
  TOKEN_VARIABLE,
} from './greeting.ts';

const AGENT_USAGE = `Usage: holdfast meter agent [--listen HOST:PORT]

Waits for \`holdfast meter run\` and does what it says, until Ctrl-C.

  --listen HOST:PORT      default 127.0.0.1:${AGENT_PORT_DEFAULT}

A controller must know the token in ${TOKEN_VARIABLE}, such as \`openssl rand -hex 16\` gives; beyond 127.0.0.1 an agent does
not start without one of ${TOKEN_CHARACTERS_MIN} characters. What is said is encrypted. Whoever has the token can read and write this machine's
files as the agent's user.
`;

export const agentCommand: Command = async (args, io) => {
  try {
    const values = parseOptions(args, {
      listen: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    });
    if (values.help === true) {
      io.out.write(AGENT_USAGE);
      return exitCodes.ok;
    }
    const where = parseAddress(values.listen ?? '127.0.0.1');
    if (where === undefined) throw wrong(`--listen takes HOST:PORT, not ${values.listen}`);
    const token = io.env[TOKEN_VARIABLE] ?? '';
    if (token.length < TOKEN_CHARACTERS_MIN && !isLoopback(where.host))
      throw wrong(
        `set ${TOKEN_VARIABLE} to ${TOKEN_CHARACTERS_MIN} characters at least: others could use this machine without it`,
      );
    const told = (text: string): void => {
      io.err.write(`holdfast meter agent: ${text}\n`);
    };
    await using agent = await startAgent(where.host, where.port, token, told);
    io.out.write(`listening on ${where.host}:${agent.port}\n`);
    await new Promise<void>((resolve) => {
      const done = (): void => resolve();
      io.signal.addEventListener('abort', done);
      if (io.signal.aborted) done();
    });
    return exitCodes.ok;
  } catch (error) {
    io.err.write(`holdfast meter agent: ${errorText(error)}\n`);
    return hasCode(error, 'invalid-argument') ? exitCodes.usage : exitCodes.failed;
  }
};
