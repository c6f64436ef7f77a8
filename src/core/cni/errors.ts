import { SluiceError } from '../../base/errors.ts';

/** Error codes of CNI specification 1.1.0, §"Error" and §STATUS; 100 and above are ours. */
export const CNI_ERROR = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  containerUnknown: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidNetworkConfig: 7,
  tryAgainLater: 11,
  /** STATUS: ADD requests cannot be served. */
  pluginNotAvailable: 50,
  /** STATUS: as 50, and running containers may have limited connectivity. */
  pluginNotAvailableLimited: 51,
  /** CHECK: the attachment is not as ADD left it. */
  checkFailed: 101,
  /** Anything unforeseen. */
  internal: 999,
} as const;

/** A failure that the container runtime will see: throw it anywhere below a CNI request. */
export class CniError extends SluiceError<'cni'> {
  readonly cniCode: number;
  readonly details: string;

  constructor(cniCode: number, message: string, details = '', cause?: unknown) {
    super('cni', message, { cniCode, details }, cause);
    this.cniCode = cniCode;
    this.details = details;
  }
}
