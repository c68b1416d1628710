export { awaitCertificate } from './await.ts';
export { addManual, removeManual } from './manual.ts';
export { readCertificates } from './read.ts';
export { askForCertificate } from './request.ts';
export { type CertificateStatus, isBad } from './status.ts';
export { sealWish } from './wishes.ts';
