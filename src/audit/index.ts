export type { AuditEntry, AuditEvent } from './audit-entry.js'
export {
  type AuditHead,
  HEAD_INTERVAL,
  headVerifier,
  parseHead,
  type SignHead,
  type VerifyHead,
} from './audit-head.js'
export { AuditLog, type OpenAuditLogParameters, openAuditLog } from './audit-log.js'
export { exportAuditLog } from './export-audit-log.js'
export {
  type AuditVerdict,
  type VerifyAuditLogParameters,
  verifyAuditExport,
  verifyAuditLog,
} from './verify-audit-log.js'
