import { messageOf } from '../src/base/errors.ts';
import { quote } from '../test/vm/machine/initramfs.ts';
import { runInMachine } from '../test/vm/machine/machine.ts';

/**
 * `node scripts/vm.ts [--timeout SECONDS] -- COMMAND…` runs the command in the test machine: a kernel with IP-in-IP,
 * WireGuard, SCTP, Open vSwitch and IPVS, over this machine's files, read-only. Exits with the command's exit code.
 */
const [options, command] = split(process.argv.slice(2));
const seconds = options[0] === '--timeout' ? Number(options[1]) : 240;
if (command.length === 0 || !(seconds > 0)) {
  console.error('usage: node scripts/vm.ts [--timeout SECONDS] -- COMMAND…');
  process.exit(2);
}
try {
  const script = command.length === 1 ? command[0]! : command.map(quote).join(' ');
  const { code, complaint, timedOut } = await runInMachine({
    script,
    timeout: seconds * 1000,
    onOutput: (text) => process.stdout.write(text),
  });
  if (complaint !== '') console.error(complaint.trimEnd());
  if (timedOut) console.error(`vm: switched off after ${seconds} s`);
  process.exitCode = code;
} catch (error) {
  console.error(`vm: ${messageOf(error)}`);
  process.exitCode = 2;
}

function split(args: readonly string[]): readonly [readonly string[], readonly string[]] {
  const at = args.indexOf('--');
  return at < 0 ? [[], args] : [args.slice(0, at), args.slice(at + 1)];
}
