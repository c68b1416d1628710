import {
  type CatalogClient,
  type CertificateWish,
  MANUAL,
  parseEntry,
  updateRecord,
} from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { SeawallError } from '../../errors.ts';

/**
 * Adds a certificate that no route names, or changes it.
 * @throws SeawallError `refused` when a project has it already.
 */
export async function addManual(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut' | 'kvList'>,
  wish: CertificateWish,
  signal: AbortSignal,
): Promise<void> {
  const { value } = await client.kvList(KEY.wishes, { signal });
  for (const entry of value) {
    const project = entry.key.slice(KEY.wishes.length);
    if (project === MANUAL || !parseEntry<CertificateWish[]>(entry).some(({ id }) => id === wish.id))
      continue;
    throw new SeawallError(
      'refused',
      `${wish.names[0]} has the certificate that the routes of ${project} say`,
      {
        hint: `Say it in the seawall.yml of ${project}: tls: { certificate: FILE, key: FILE }, or issuers, then: seawall deploy`,
      },
    );
  }
  await updateRecord<readonly CertificateWish[]>(
    client,
    KEY.wish(MANUAL),
    (present = []) =>
      [...present.filter(({ id }) => id !== wish.id), wish].sort((a, b) => (a.id < b.id ? -1 : 1)),
    { signal },
  );
}

/** Takes a certificate away that no route names. @returns whether there was one. */
export async function removeManual(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  let wasThere = false;
  await updateRecord<readonly CertificateWish[]>(
    client,
    KEY.wish(MANUAL),
    (present = []) => {
      wasThere = present.some((each) => each.id === id);
      return wasThere ? present.filter((each) => each.id !== id) : undefined;
    },
    { signal },
  );
  return wasThere;
}
