import type { Call } from '../ports.ts';

/** What can put TXT records into a zone and take them away. Both may be repeated; neither touches other records. */
export interface DnsProvider {
  present(fqdn: string, value: string, call: Call): Promise<void>;
  cleanup(fqdn: string, value: string, call: Call): Promise<void>;
}
