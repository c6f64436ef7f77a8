import { parseArgs } from './args.ts';
import { CNI_ERROR, CniError } from './errors.ts';
import { parseNetConfFor } from './netconf.ts';
import { decodeRequest, encodeLine, errorBody } from './protocol.ts';
import type { CniReply, CniRequest } from './protocol.ts';
import { formatResult } from './result.ts';
import type { CniAttachment, CniResult, KubernetesArgs, NetConf } from './types.ts';

/** One container interface, as ADD, DEL and CHECK name it. */
export interface AttachmentRequest {
  readonly containerId: string;
  /** Empty when the runtime no longer has it (DEL only). */
  readonly netns: string;
  readonly ifname: string;
  readonly pod: KubernetesArgs;
  readonly config: NetConf;
}

/** What the agent can do for the plugin. Failures are thrown, as {@link CniError} where the runtime should see a code. */
export interface CniService {
  /** Resolves when address, routes and policy are live; the same request again yields the same result. */
  add(request: AttachmentRequest): Promise<CniResult>;
  /** Resolves when nothing of the attachment is left, also when there never was any. */
  del(request: AttachmentRequest): Promise<void>;
  /** Rejects with code 101 (or 3 for an unknown container) unless the kernel agrees with `config.prevResult`. */
  check(request: AttachmentRequest): Promise<void>;
  /** Removes every attachment of the network that is not in `valid`. */
  gc(config: NetConf, valid: readonly CniAttachment[]): Promise<void>;
  /** Rejects with code 50 or 51 when ADD could not be served now. */
  status(config: NetConf): Promise<void>;
  /** The node's ranges, for another plugin that gives out addresses; absent where the agent does. */
  podCidrs?(): Promise<readonly string[]>;
}

/** Answers one request line with one reply line; never rejects. */
export async function answerCni(line: string, service: CniService): Promise<string> {
  let cniVersion = '1.1.0';
  let reply: CniReply;
  try {
    const request = decodeRequest(line);
    const version = request.config['cniVersion'];
    if (typeof version === 'string') cniVersion = version;
    reply = { ok: await perform(request, service) };
  } catch (error) {
    reply = { error: errorBody(error, cniVersion) };
  }
  return encodeLine(reply);
}

async function perform(request: CniRequest, service: CniService): Promise<unknown> {
  const config = parseNetConfFor(request.command, request.config);
  switch (request.command) {
    case 'ADD':
      return formatResult(await service.add(attachmentOf(request, config)), config.cniVersion);
    case 'DEL':
      await service.del(attachmentOf(request, config));
      return null;
    case 'CHECK':
      await service.check(attachmentOf(request, config));
      return null;
    case 'GC':
      if (config.validAttachments === undefined)
        throw new CniError(
          CNI_ERROR.invalidNetworkConfig,
          'GC without cni.dev/valid-attachments would remove every pod',
        );
      await service.gc(config, config.validAttachments);
      return null;
    case 'IPAM':
      return (await service.podCidrs?.()) ?? null;
    case 'STATUS':
      await service.status(config);
      return null;
  }
}

function attachmentOf(request: CniRequest, config: NetConf): AttachmentRequest {
  const { containerId, netns, ifname } = request;
  return { containerId, netns, ifname, pod: parseArgs(request.args), config };
}
