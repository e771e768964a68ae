// Tells the other windows of this browser that the diary changed, so that none shows what is outdated. No request is sent.

/** Browsers that deny access to their storage may lack the channel as well. */
const channel = "BroadcastChannel" in window ? new BroadcastChannel("diary") : null;

/** @param {string | null} spot id of the spot that changed; null for several */
export function announceChange(spot) {
  channel?.postMessage({ spot });
}

/** @param {(spot: string | null) => void} listener called after each change in another window */
export function onChangeElsewhere(listener) {
  channel?.addEventListener("message", ({ data }) => listener(data.spot));
}
