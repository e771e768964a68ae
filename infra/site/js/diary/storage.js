// How much the browser stores for this site, and whether it keeps that.

/**
 * Return what the browser stores for this site, in bytes.
 *
 * @returns {Promise<{used: number, available: number, isPersistent: boolean} | null>} null when the browser does not say
 */
export async function storage() {
  if (!navigator.storage?.estimate) return null;
  const [{ usage, quota }, isPersistent] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted()]);
  if (usage === undefined || quota === undefined) return null;
  return { used: usage, available: Math.max(0, quota - usage), isPersistent };
}

/** Ask the browser not to delete the diary when the device has little room. */
export const persist = async () => (await navigator.storage?.persist?.()) ?? false;
