// The one thing this page reads from its address: a one-time sign-in code, erased as it is read.

const CODE = /^[A-Za-z0-9_-]{4,200}$/;

/** Takes the code out of `#code=…`; whatever else the address carried is dropped with it. */
export function takeCode(location, history) {
  const { hash, pathname, search } = location;
  if (hash || search) history.replaceState(null, "", pathname);
  return hash.startsWith("#code=") ? cleanCode(hash.slice("#code=".length)) : null;
}

/** A typed or pasted code, also out of a whole link; null when it cannot be one. */
export function cleanCode(text) {
  const code = text.trim().split("#code=").pop();
  return CODE.test(code) ? code : null;
}
