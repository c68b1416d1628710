export {
  type Authority,
  type AuthoritySettings,
  authorityId,
  authorityTrust,
  fingerprint256,
  isIssuedBy,
} from './authority.ts';
export {
  type CertificateOrder,
  type IssuedCertificate,
  issueCertificate,
} from './issue.ts';
export {
  type AuthorityRecord,
  type IssuedRecord,
  type Purpose,
  REVOCATION_LIST_PATH,
  type RevocationReason,
  revocationListUrl,
} from './record.ts';
export { type RevocationList, readRevocationList, renewRevocationList } from './revocation-list.ts';
export {
  type AuthorityPlace,
  ensureAuthority,
  listIssued,
  readAuthority,
  recordIssued,
  replaceAuthority,
  revokeSerial,
  setRevocationHost,
} from './store.ts';
export { isPermitted, parsePermit, parseSubject, type Subject } from './subject.ts';
