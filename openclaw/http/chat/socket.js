// Opens the one socket this page may have: to the server the page's own files came from.
// The address is that of this very module, never one from the address bar.

export function openSocket() {
  const address = new URL("/", import.meta.url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address);
}
