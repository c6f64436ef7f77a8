/**
 * Node's http module without the price of importing it: `import … from 'node:http'` makes Node read every export, lazy
 * ones included, and so load the whole of undici: 50 ms and several megabytes in every process.
 */
export const http = process.getBuiltinModule('node:http');
