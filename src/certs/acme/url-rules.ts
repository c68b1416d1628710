const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const isLoopback = (url: URL): boolean => LOOPBACK.test(url.hostname);

/**
 * Whether a URL that a directory gave may be asked: HTTPS (RFC 8555 section 6.1); HTTP only on loopback, and only when the directory itself is
 * there, so that no CA leads to what listens on this machine.
 */
export function isAllowed(url: string, directory: string): boolean {
  if (!URL.canParse(url) || !URL.canParse(directory)) return false;
  const asked = new URL(url);
  if (asked.protocol === 'https:') return true;
  const own = new URL(directory);
  return asked.protocol === 'http:' && isLoopback(asked) && own.protocol === 'http:' && isLoopback(own);
}
