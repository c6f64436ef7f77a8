export type { Bandwidth, RateLimit } from './bandwidth.ts';
export { delegatedIpam } from './delegated-ipam.ts';
export { answerCni } from './dispatch.ts';
export type { AttachmentRequest, CniService } from './dispatch.ts';
export { CNI_ERROR, CniError } from './errors.ts';
export { DEFAULT_PENDING_DEL_DIR, isSupportedVersion } from './netconf.ts';
export { describeHostPort, overlaps } from './port-mappings.ts';
export { decodeReply, decodeRequest } from './protocol.ts';
export { parseResult } from './result.ts';
export type { CniErrorBody, CniReply, CniRequest } from './protocol.ts';
export { formatRuntimeConfig, parseRuntimeConfig } from './runtime-config.ts';
export type { Capabilities } from './runtime-config.ts';
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
