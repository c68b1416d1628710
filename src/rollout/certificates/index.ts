export { awaitCertificate } from './await.ts';
export { endOnHosts, issueOnHost } from './host.ts';
export { addManual, removeManual } from './manual.ts';
export { readCertificates } from './read.ts';
export { askForCertificate } from './request.ts';
export { type RevocationStatus, readRevocation } from './revocation.ts';
export { type CertificateStatus, isBad } from './status.ts';
export { sealWish } from './wishes.ts';
