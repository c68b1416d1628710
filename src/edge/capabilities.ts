/** What the nginx of an edge can do beyond what Seawall asks of every one (1.28, HTTP/2). */
export interface EdgeCapabilities {
  /** The group X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem): OpenSSL has it since 3.5. */
  readonly hybridGroup: boolean;
  /** Built with HTTP/3. */
  readonly http3: boolean;
}

/** What can be relied on before nginx was asked. */
export const leastCapabilities: EdgeCapabilities = { hybridGroup: false, http3: false };

/** Reads what `nginx -V` printed. Other libraries than OpenSSL say so there, and are not taken for it. */
export function readCapabilities(version: string): EdgeCapabilities {
  // The library that runs may be another than the one it was built with; then both are named.
  const openssl =
    /running with OpenSSL (\d+)\.(\d+)/.exec(version) ?? /built with OpenSSL (\d+)\.(\d+)/.exec(version);
  const [major, minor] = [Number(openssl?.[1] ?? 0), Number(openssl?.[2] ?? 0)];
  return {
    hybridGroup: major > 3 || (major === 3 && minor >= 5),
    http3: /(?:^|\s)--with-http_v3_module(?:\s|$)/m.test(version),
  };
}
