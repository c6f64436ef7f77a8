import { hasCode } from '../../base/errors.ts';
import { openIpvs } from './kernel.ts';

/** Whether this kernel has IPVS; that of the test machine (`scripts/vm.ts`) has. */
export function kernelHasIpvs(): boolean {
  try {
    openIpvs()[Symbol.dispose]();
    return true;
  } catch (error) {
    if (hasCode(error, 'not-found') || hasCode(error, 'permission')) return false;
    throw error;
  }
}
