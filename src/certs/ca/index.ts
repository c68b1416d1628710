export {
  type Authority,
  type AuthoritySettings,
  authorityId,
  authorityTrust,
  fingerprint256,
  isIssuedBy,
} from './authority.ts';
export {
  checkOrder,
  type IssuedCertificate,
  issueCertificate,
} from './issue.ts';
export {
  type AuthorityRecord,
  type IssuedRecord,
  type RevocationReason,
  revocationListUrl,
} from './record.ts';
export {
  readNextUpdate,
  readRevocationList,
  renewRevocationList,
  renewRootList,
} from './revocation-list.ts';
export {
  ensureAuthority,
  listIssued,
  readAuthority,
  recordIssued,
  replaceAuthority,
  revokeSerial,
  setRevocationHost,
} from './store.ts';
export { parsePermit, parseSubject } from './subject.ts';
