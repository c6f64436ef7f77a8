import { builtinModules } from 'node:module';
import type { Plugin } from 'esbuild';

/**
 * Lets bundled code have Node's own modules when it first uses something of them. An import loads them at the start, and
 * with them whatever their exports stand for: `node:process` alone makes the standard streams, a twentieth of the time of
 * a short command.
 */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(bundler) {
    bundler.onResolve({ filter: /^[a-z]/ }, ({ path }) => {
      const name = path.replace(/^node:/u, '');
      if (!path.startsWith('node:') && !builtinModules.includes(name)) return undefined;
      return { path: `node:${name}`, namespace: 'builtin' };
    });
    bundler.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: standIn(path), loader: 'js' }));
  },
};

/** A CommonJS module whose names are those of the builtin one. */
function standIn(path: string): string {
  if (path === 'node:process') return 'module.exports = process;';
  const module: unknown = process.getBuiltinModule(path);
  const get = `process.getBuiltinModule(${JSON.stringify(path)})`;
  if (typeof module !== 'object' || module === null) return `module.exports = ${get};`;
  const getters = Object.keys(module).map((name) => `get ${name}() { return (module_ ??= ${get}).${name}; }`);
  return `let module_;\nmodule.exports = { ${getters.join(', ')} };`;
}
