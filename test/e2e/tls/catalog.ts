/** The catalog as somebody with root on a host reads and changes it: the proof that needs no program of Seawall. */
import type { Lab } from '../../../lab/lab.ts';
import type { CertificateRecord, CertificateState } from '../../../src/catalog/tls-record.ts';
import { CATALOG_TLS_NAME, type ClusterFile } from '../../../src/cluster.ts';
import { mustOnHost, onHost } from './host.ts';

/** `curl` with the cluster's own certificate and token; the token goes by a file of settings, not by argv. */
const CURL = (file: ClusterFile, path: string, more: string): string => {
  const { catalog } = file;
  const url = `https://${CATALOG_TLS_NAME}:${catalog.port}/v1/kv/${path}`;
  const to = `--connect-to ${CATALOG_TLS_NAME}:${catalog.port}:${catalog.address}:${catalog.port}`;
  return `curl --silent --show-error --max-time 10 ${to} --cacert /tmp/catalog.pem --config /tmp/catalog.curl ${more} '${url}'`;
};

export class Catalog {
  readonly #lab: Lab;
  /** Through which host; one whose seawall-server is to be killed may be another's. */
  readonly #host = 'host2';
  #file: ClusterFile | undefined;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** The raw text below a key; undefined where there is none. @throws while the catalog is away */
  async read(key: string): Promise<string | undefined> {
    const answer = await this.#curl(`${key}?raw`, "--write-out '\\n%{http_code}'");
    const at = answer.lastIndexOf('\n');
    const status = answer.slice(at + 1).trim();
    if (status === '404') return undefined;
    if (status !== '200') throw new Error(`the catalog answered ${status} for ${key}`);
    return answer.slice(0, at);
  }

  async json<T>(key: string): Promise<T | undefined> {
    const text = await this.read(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  /** Keys that begin so. */
  async keys(prefix: string): Promise<string[]> {
    const text = await this.#curl(`${prefix}?keys`, '');
    return text.trim() === '' ? [] : (JSON.parse(text) as string[]);
  }

  async write(key: string, value: string): Promise<void> {
    const answer = await this.#curl(key, '--request PUT --data-binary @-', value);
    if (answer.trim() !== 'true') throw new Error(`the catalog refused ${key}: ${answer}`);
  }

  async live(id: string): Promise<CertificateRecord | undefined> {
    return this.json<CertificateRecord>(`seawall/certs/live/${id}`);
  }

  async state(id: string): Promise<CertificateState | undefined> {
    return this.json<CertificateState>(`seawall/certs/state/${id}`);
  }

  /** The host whose session leads orders. */
  async leader(): Promise<string | undefined> {
    const lease = await this.json<{ from: string; who: string }>('seawall/certs/leader');
    return lease === undefined ? undefined : lease.from;
  }

  /** Where the catalog is, as the host that is asked knows it now. */
  async place(): Promise<string> {
    this.#file = undefined;
    return (await this.#cluster()).catalog.host;
  }

  async #cluster(): Promise<ClusterFile> {
    if (this.#file !== undefined) return this.#file;
    const text = await mustOnHost(this.#lab, this.#host, 'cat /etc/seawall/cluster.json');
    const file = JSON.parse(text) as ClusterFile;
    const { certificate, token } = file.catalog;
    await mustOnHost(this.#lab, this.#host, 'umask 077; cat > /tmp/catalog.pem', certificate);
    const header = `header = "X-Consul-Token: ${token}"\n`;
    await mustOnHost(this.#lab, this.#host, 'umask 077; cat > /tmp/catalog.curl', header);
    this.#file = file;
    return file;
  }

  async #curl(path: string, more: string, input?: string): Promise<string> {
    const file = await this.#cluster();
    const { code, stdout, stderr } = await onHost(this.#lab, this.#host, CURL(file, path, more), input);
    if (code !== 0) throw new Error(`the catalog does not answer: ${stderr}`);
    return stdout;
  }
}
