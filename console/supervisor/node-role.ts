/** The node role: devices and the front door in one process, between which nothing crosses a wire. */
import type { NodeRoleConfig } from '#common/config/roles.ts';
import type { RoleControl, RunningRole } from '#common/config/role-control.ts';
import { runProxyRole } from '#proxy/main.ts';
import { runStorageRole } from '#storage-node/main.ts';

export async function runNodeRole(config: NodeRoleConfig, control: RoleControl): Promise<RunningRole> {
  const storage = await runStorageRole(config.storage, control);
  const proxy = await runProxyRole(config.proxy, control, storage.local).catch(async (error: unknown) => {
    await storage.close();
    throw error;
  });
  return {
    ports: [...proxy.ports, ...storage.ports],
    async status() {
      const [ofStorage, ofProxy] = await Promise.all([storage.status(), proxy.status()]);
      return { ...Object(ofProxy), ...Object(ofStorage) };
    },
    lookForRing() {
      storage.lookForRing?.();
      proxy.lookForRing?.();
    },
    serveDevices: async (devices) => await storage.serveDevices?.(devices),
    async close() {
      // Whoever asks for records goes first.
      await proxy.close();
      await storage.close();
    },
  };
}
