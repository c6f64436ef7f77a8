export { parseArgs } from './args.ts';
export { answerCni } from './dispatch.ts';
export type { AttachmentRequest, CniService } from './dispatch.ts';
export { CNI_ERROR, CniError } from './errors.ts';
export type { CniErrorCode } from './errors.ts';
export {
  DEFAULT_AGENT_SOCKET,
  DEFAULT_PENDING_DEL_DIR,
  DEFAULT_TIMEOUT_SECONDS,
  isSupportedVersion,
  parseNetConf,
} from './netconf.ts';
export { decodeReply, decodeRequest, encodeLine, errorBody } from './protocol.ts';
export type { CniErrorBody, CniReply, CniRequest } from './protocol.ts';
export { formatResult, parseResult } from './result.ts';
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
