export { answerCni } from './dispatch.ts';
export type { AttachmentRequest, CniService } from './dispatch.ts';
export { CNI_ERROR, CniError } from './errors.ts';
export type { CniErrorCode } from './errors.ts';
export { DEFAULT_PENDING_DEL_DIR, isSupportedVersion } from './netconf.ts';
export { decodeReply, decodeRequest } from './protocol.ts';
export { parseResult } from './result.ts';
export type { CniErrorBody, CniReply, CniRequest } from './protocol.ts';
export { CNI_VERSIONS } from './types.ts';
export type {
  CniAttachment,
  CniCommand,
  CniDns,
  CniInterface,
  CniIp,
  CniResult,
  CniRoute,
  CniVersion,
  KubernetesArgs,
  NetConf,
} from './types.ts';
