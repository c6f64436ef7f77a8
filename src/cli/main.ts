/** The entry point of `sluice`. It imports none of Node's modules, since each import loads all that one offers. */
async function main(argv: readonly string[]): Promise<void> {
  // The kubelet runs this probe often: it must not pay for the parser.
  if (argv[0] === 'agent' && argv.length === 2 && argv[1] === '--health') {
    const { checkAgentHealth } = await import('../app/agent/health-command.ts');
    process.exitCode = await checkAgentHealth(process.env);
    return;
  }
  const { bundleToRun } = await import('../host/exec/bundle.ts');
  // Bundled, the same sources start in two thirds of the time.
  const bundle = bundleToRun(import.meta.dirname.replace(/\/src\/cli$/u, ''), argv[0]);
  await (bundle === undefined ? import('./run.ts') : import(bundle));
}

await main(process.argv.slice(2));
