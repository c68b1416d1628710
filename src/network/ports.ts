/** UDP port on the private address where the server sends datagrams of the cluster's hosts back; see `probe.ts`. */
export const ECHO_PORT = 4788;
export const DNS_PORT = 53;
