/** Who may see what projects use, set what they may hold, and see what serves them. */
import type { Allowance } from './rules.ts';

const admin: Allowance = { role: 'admin', scope: 'cloud' };
const systemReader: Allowance = { role: 'reader', scope: 'system' };
const projectReader: Allowance = { role: 'reader', scope: 'project', own: 'project' };
const anybody: Allowance = { scope: 'anywhere' };

export const cloudPolicy = {
  'usage:get_project': [admin, systemReader, projectReader],
  'usage:list_projects': [admin, systemReader],

  'quota:get_project': [admin, systemReader, projectReader],
  'quota:update_project': [admin],
  'quota:get_defaults': [anybody],
  'quota:update_defaults': [admin],

  'service:list': [admin, systemReader],
  'service:delete': [admin],
} as const satisfies Readonly<Record<string, readonly Allowance[]>>;
